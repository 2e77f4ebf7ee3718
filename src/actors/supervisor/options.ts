import type { NodeId } from '../../domain/hash.ts';
import type { PreimageDeriver } from '../../lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../machines/rules.ts';
import type { ActorSystem } from '../actorSystem.ts';
import type { CoreMeasures } from '../measures/coreMeasures.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import type { OnionPeeler } from '../ports/onionPeeler.ts';
import type { PaymentObserver } from '../ports/paymentObserver.ts';
import type { AcceptedPolicies } from './admission.ts';

/** Limits of what is held. Each refusal has its name in the log and the events table. */
export interface HoldLimits {
  readonly maxHeldHtlcs: number;
  readonly maxHeldHtlcsPerNode: number;
  /** Lines waiting for the journal. */
  readonly maxJournalLines: number;
}

/** Least milliseconds from the start of one batch to the start of the next, so that company gathers under load. */
export interface Paces {
  /** A settle waits for its decision: too short to be felt. */
  readonly decisionsMs: number;
  /** A part of a hash that memory does not know waits for the look-up. */
  readonly lookupsMs: number;
  /** Hardly anybody waits for the record of a final. */
  readonly finalsMs: number;
}

export const PACES: Paces = { decisionsMs: 5, lookupsMs: 5, finalsMs: 40 };

export interface SupervisorOptions extends AcceptedPolicies {
  readonly system: ActorSystem;
  readonly store: DecisionStore;
  readonly epoch: bigint;
  readonly peeler: OnionPeeler;
  readonly deriver: PreimageDeriver;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: LifecycleRules;
  readonly limits: HoldLimits;
  readonly paces: Paces;
  /** Whether the operator wants no new parts over a node: its payers take another one. */
  readonly refusesParts?: (nodeId: NodeId) => boolean;
  readonly autoSettle: boolean;
  /** How long the application may be away before new sets are refused. */
  readonly subscriberGraceMs: number;
  /** How long a call waits for a decision before it is told that the outcome is unknown. */
  readonly callTimeoutMs: number;
  /** Follows payments; absent when nobody does. */
  readonly observer?: PaymentObserver | undefined;
  /** What the core sees is added here. */
  readonly measures?: CoreMeasures;
  /** Another leader has taken over: this process must stop. */
  readonly onFenced: () => void;
}
