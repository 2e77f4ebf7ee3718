import type { PreimageDeriver } from '../../lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../machines/rules.ts';
import type { ActorSystem } from '../actorSystem.ts';
import type { CoreMeasures } from '../measures/coreMeasures.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import type { OnionPeeler } from '../ports/onionPeeler.ts';
import type { RoutingPolicy } from './admission.ts';

/** Limits of what is held. Each refusal has its name in the log and the events table. */
export interface HoldLimits {
  readonly maxHeldHtlcs: number;
  readonly maxHeldHtlcsPerNode: number;
  /** Lines waiting for the journal. */
  readonly maxJournalLines: number;
}

export interface SupervisorOptions {
  readonly system: ActorSystem;
  readonly store: DecisionStore;
  readonly epoch: bigint;
  readonly peeler: OnionPeeler;
  readonly deriver: PreimageDeriver;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: LifecycleRules;
  readonly policy: RoutingPolicy;
  readonly limits: HoldLimits;
  readonly autoSettle: boolean;
  /** How long the application may be away before new sets are refused. */
  readonly subscriberGraceMs: number;
  /** How long a call waits for a decision before it is told that the outcome is unknown. */
  readonly callTimeoutMs: number;
  /** What the core sees is added here. */
  readonly measures?: CoreMeasures;
  /** Another leader has taken over: this process must stop. */
  readonly onFenced: () => void;
}
