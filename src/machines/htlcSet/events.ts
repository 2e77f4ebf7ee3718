import type { ReleaseView } from '../../domain/barrier.ts';
import type { FailResult } from '../../domain/failResult.ts';
import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { Part } from '../../domain/part.ts';
import type { LifecycleRules } from '../rules.ts';

/** What happened, as the set hears of it. Every fact that a guard needs travels in the event. */
export type HtlcSetEvent =
  /** A further part that the invoice took for this set; the first comes with the set. */
  | { readonly type: 'part.added'; readonly part: Part }
  /** A part of this set is offered (again) by its node. */
  | { readonly type: 'part.offered'; readonly partId: PartId; readonly view: ReleaseView }
  /** lnd's last word on a part. */
  | { readonly type: 'part.finalised'; readonly partId: PartId; readonly settled: boolean }
  /** That word is recorded durably. */
  | { readonly type: 'final.recorded'; readonly partId: PartId }
  | { readonly type: 'settle.requested'; readonly view: ReleaseView }
  | { readonly type: 'cancel.requested' }
  /** A part is within the margin of the height at which its node gives it back. */
  | { readonly type: 'deadline.reached' }
  /** Something that the release barrier looks at has changed. */
  | { readonly type: 'view.changed'; readonly view: ReleaseView }
  /** The decision submitted last is durable under our epoch. */
  | { readonly type: 'commit.succeeded'; readonly view: ReleaseView }
  /** It certainly was not written. */
  | { readonly type: 'commit.failed'; readonly reason: string }
  /** It may or may not be written; it is being submitted again until one of the others is known. */
  | { readonly type: 'commit.ambiguous' }
  /** Durable facts contradict it. */
  | { readonly type: 'commit.refused'; readonly because: string }
  /** Another leader decides now. */
  | { readonly type: 'commit.fenced' };

/** What the set asks of the world. Emitted, never executed here. */
export type HtlcSetEffect =
  | {
      readonly type: 'settlement.commit';
      readonly attempt: string;
      readonly decision: 'request' | 'requestAndRelease' | 'release';
      readonly setId: SetId;
      readonly parts: readonly Part[];
    }
  | {
      readonly type: 'settlement.commit';
      readonly attempt: string;
      readonly decision: 'abort' | 'fail';
      readonly setId: SetId;
      readonly parts: readonly Part[];
      readonly reason: FailResult;
    }
  | { readonly type: 'htlc.settle'; readonly parts: readonly Part[] }
  | { readonly type: 'htlc.fail'; readonly parts: readonly Part[]; readonly reason: FailResult }
  | { readonly type: 'final.record'; readonly finals: readonly ReportedFinal[] }
  | { readonly type: 'settle.answer'; readonly setId: SetId; readonly answer: SettleAnswer }
  | { readonly type: 'cancel.answer'; readonly setId: SetId; readonly answer: 'canceled' };

export type SettleAnswer =
  | { readonly result: 'requested' }
  | { readonly result: 'not_found' }
  | { readonly result: 'failed_precondition'; readonly reason: string }
  | { readonly result: 'unavailable'; readonly reason: string };

export interface ReportedFinal {
  readonly partId: PartId;
  readonly settled: boolean;
}

/** What the set tells its invoice. */
export type SetReport =
  | { readonly type: 'set.completed'; readonly attempt: string; readonly setId: SetId }
  /** A part left the set before anything was decided. */
  | { readonly type: 'set.partLost'; readonly attempt: string; readonly amountMsat: bigint }
  /** The request is durable, the release waits for the barrier. */
  | { readonly type: 'set.requested'; readonly attempt: string }
  | { readonly type: 'set.releasing'; readonly attempt: string }
  | { readonly type: 'set.released'; readonly attempt: string }
  /** The settle request was certainly not written; the set is complete and waits for the application again. */
  | { readonly type: 'set.reopened'; readonly attempt: string }
  /** The set is being failed and can't be settled any more. */
  | { readonly type: 'set.failing'; readonly attempt: string; readonly reason: FailResult }
  /** A requested set was given up, durably. */
  | { readonly type: 'set.aborted'; readonly attempt: string; readonly reason: FailResult }
  /** Every part is final and recorded; `settledMsat` arrived. */
  | { readonly type: 'set.closed'; readonly attempt: string; readonly settledMsat: bigint };

/** How a set that is in the database comes back after a restart. */
export type RestoredAs = 'requested' | 'released' | 'failed';

export interface HtlcSetInput {
  readonly attempt: string;
  readonly paymentHash: PaymentHash;
  readonly rules: LifecycleRules;
  /** How long to wait for the rest of the set. */
  readonly holdMs: number;
  /** A lone part that is to be failed for this reason and never becomes part of a set. */
  readonly refusal?: FailResult;
  readonly restoredAs?: RestoredAs;
  /** The first part of a new set, the lone part of a refused one, or all parts of a restored one. */
  readonly parts?: readonly Part[];
  readonly setId?: SetId;
}

export interface HtlcSetContext {
  readonly attempt: string;
  readonly paymentHash: PaymentHash;
  readonly rules: LifecycleRules;
  readonly holdMs: number;
  readonly restoredAs: RestoredAs | undefined;
  readonly parts: readonly Part[];
  /** Known from the moment the set is complete or decided upon; its members never change afterwards. */
  readonly setId: SetId | undefined;
  /** Why the set is failed, or has to be failed as soon as that can be decided. */
  readonly doom: FailResult | undefined;
  /** A settle request is durable. */
  readonly requestDurable: boolean;
  readonly reported: readonly ReportedFinal[];
  readonly recorded: readonly PartId[];
}
