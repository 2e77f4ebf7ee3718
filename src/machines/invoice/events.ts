import type { ActorRefFrom } from 'xstate';
import type { ReleaseView } from '../../domain/barrier.ts';
import type { FailResult } from '../../domain/failResult.ts';
import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { Part } from '../../domain/part.ts';
import type { InvoiceTerms, OfferFacts } from '../../domain/terms.ts';
import type { SetReport, SettleAnswer } from '../htlcSet/events.ts';
import type { htlcSetMachine } from '../htlcSet/machine.ts';
import type { LifecycleRules } from '../rules.ts';

export type InvoiceEvent =
  /** A part with a valid payment secret that belongs to no set yet. */
  | { readonly type: 'part.arrived'; readonly part: Part; readonly facts: OfferFacts }
  | { readonly type: 'settle.requested'; readonly setId: SetId; readonly view: ReleaseView }
  | { readonly type: 'cancel.requested'; readonly setId: SetId }
  /** Nothing of this invoice is in memory any more; the actor may go. */
  | { readonly type: 'invoice.close' }
  | SetReport;

/** The published states of an invoice. */
export type InvoiceStatus = 'accepted' | 'settle_requested' | 'settled' | 'failed';

export type InvoiceEffect =
  /** A set actor was spawned: whoever carries out effects starts to listen to it now. */
  | { readonly type: 'set.started'; readonly attempt: string }
  | {
      readonly type: 'application.notify';
      readonly status: InvoiceStatus;
      readonly setId: SetId | undefined;
      readonly reason: FailResult | 'parts_failed' | 'partially_settled' | undefined;
      readonly settledMsat: bigint;
    }
  /** A complete set can't be settled any more: it was failed before settlement was requested. */
  | { readonly type: 'application.withdraw'; readonly setId: SetId; readonly reason: FailResult }
  | { readonly type: 'settle.answer'; readonly setId: SetId; readonly answer: SettleAnswer }
  | {
      readonly type: 'cancel.answer';
      readonly setId: SetId;
      readonly answer: 'not_found' | 'settle_already_requested';
    };

export interface InvoiceInput {
  readonly paymentHash: PaymentHash;
  readonly terms: InvoiceTerms;
  readonly rules: LifecycleRules;
  /** Comes back from the database with this set. */
  readonly restored?: {
    readonly as: 'requested' | 'released' | 'settled' | 'failed';
    readonly setId: SetId;
    readonly parts: readonly Part[];
  };
}

/** The set that parts join, that waits for the application, or that is being settled. */
export interface CurrentSet {
  readonly attempt: string;
  readonly ref: ActorRefFrom<typeof htlcSetMachine>;
  readonly heldMsat: bigint;
  readonly totalMsat: bigint;
  readonly parts: number;
  /** Known once the set is complete. */
  readonly setId: SetId | undefined;
}

export interface InvoiceContext {
  readonly paymentHash: PaymentHash;
  readonly terms: InvoiceTerms;
  readonly rules: LifecycleRules;
  readonly restored: InvoiceInput['restored'];
  /** How many set actors were ever spawned: the next one's name. */
  readonly attempts: number;
  /** How many of them still live. */
  readonly live: number;
  readonly current: CurrentSet | undefined;
  /** The set with which the invoice ended. */
  readonly finalSetId: SetId | undefined;
}
