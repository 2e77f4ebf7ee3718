import type { FailResult } from '../../domain/failResult.ts';
import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { HtlcKey } from '../../domain/htlcKey.ts';

/** A part as it is written with a decision about it. */
export interface PartRow {
  readonly key: HtlcKey;
  readonly amountMsat: bigint;
  readonly autoFailHeight: number;
  readonly cltvExpiry: number;
}

/** A member of a set for which settlement is requested. */
export interface MemberRow extends PartRow {
  /** What its node gets beyond `amountMsat`; undefined where an earlier leader did not write it down. */
  readonly feeMsat: bigint | undefined;
}

/** A part that is to be failed, with the exact bytes that every replay of it will get. */
export interface FailRow extends PartRow {
  readonly reason: FailResult;
  /** 292 bytes. */
  readonly failureOnion: Uint8Array;
}

/** Line of the events table that goes with a decision. `details` hold nothing secret. */
export interface EventLine {
  readonly machine: 'invoice' | 'htlcSet' | 'nodeLink' | 'leadership';
  readonly from: string;
  readonly event: string;
  readonly to: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

interface DecisionBase {
  readonly paymentHash: PaymentHash;
  readonly setId: SetId;
  /** Unix milliseconds, for the record. */
  readonly at: number;
  readonly line: EventLine;
}

/**
 * Something that must be durable before anything is sent. Each is keyed and write-once: submitting it again is
 * answered with the same outcome.
 *
 * - `request`: the application asked for settlement; members are fixed.
 * - `requestAndRelease`: both at once, where the release barrier holds.
 * - `release`: a requested set may be paid out.
 * - `abort`: a requested (or released, but never sent) set is given up; every part fails; the invoice is failed.
 * - `fail`: parts that never were requested are failed (cancel, timeout, refusal).
 */
export type Decision =
  | (DecisionBase & {
      readonly kind: 'request' | 'requestAndRelease';
      readonly preimage: Uint8Array;
      /** What the invoice asks. */
      readonly amountMsat: bigint;
      readonly members: readonly MemberRow[];
    })
  | (DecisionBase & { readonly kind: 'release' })
  | (DecisionBase & {
      readonly kind: 'abort';
      readonly parts: readonly FailRow[];
      readonly cause: FailResult;
    })
  | (DecisionBase & { readonly kind: 'fail'; readonly parts: readonly FailRow[] });

/** lnd's last word on one part, to be recorded. */
export interface FinalRecord {
  readonly key: HtlcKey;
  readonly paymentHash: PaymentHash;
  readonly settled: boolean;
  readonly offChain: boolean;
  readonly at: number;
}

/** How the invoice stands after a final was recorded. */
export type RecordedFinal =
  /** Other members are still out. */
  | { readonly outcome: 'pending' }
  /** This was the last member; `settledMsat` of the members' sum arrived. */
  | { readonly outcome: 'invoiceFinal'; readonly status: 'settled' | 'failed'; readonly settledMsat: bigint }
  /** A failed decision was purged, or the HTLC is not ours. A final submitted again is answered as it stands now. */
  | { readonly outcome: 'noted' };

/** Answer to one submitted decision. */
export type DecisionOutcome =
  /** Durable under our epoch: written now, or found exactly so and confirmed. */
  | { readonly outcome: 'committed' }
  /** Durable facts contradict it: another set of this hash, or another decision for a part. Nothing was written. */
  | { readonly outcome: 'refused'; readonly because: string };

/** Answer to a batch. */
export type BatchOutcome<T> =
  | { readonly kind: 'acknowledged'; readonly results: readonly T[]; readonly lastSequence: bigint }
  /** Certainly not written (the server said so, or nothing was ever sent). `retryable` when trying later can help. */
  | { readonly kind: 'failed'; readonly error: string; readonly retryable: boolean }
  /** Sent, but no clean acknowledgement: may or may not be written. Submit the same again; never conclude by reading. */
  | { readonly kind: 'ambiguous'; readonly error: string }
  /** Another leader has a higher epoch. Nothing was written; this process must stop deciding. */
  | { readonly kind: 'fenced' };

/** A stored invoice with its members, as recovery and the API need it. */
export interface StoredInvoice {
  readonly paymentHash: PaymentHash;
  readonly preimage: Uint8Array;
  /** Undefined for rows of the Go program: derive it from the members. */
  readonly setId: SetId | undefined;
  readonly amountMsat: bigint;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
  /** Within SETTLE_REQUESTED: whether a preimage may have been sent. Go rows count as released. */
  readonly released: boolean;
  readonly cause: string | undefined;
  readonly settledMsat: bigint | undefined;
  readonly sequenceNumber: bigint;
  /** Unix milliseconds. */
  readonly settleRequestedAt: number | undefined;
  readonly finalizedAt: number | undefined;
  readonly members: readonly StoredMember[];
}

export interface StoredMember extends HtlcKeyed {
  readonly amountMsat: bigint;
  /** Undefined for rows of the Go program. */
  readonly autoFailHeight: number | undefined;
  /** Undefined for rows of the Go program. */
  readonly cltvExpiry: number | undefined;
  /** What its node gets beyond `amountMsat`. Undefined for rows of the Go program and of versions before 7. */
  readonly feeMsat: bigint | undefined;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
}

interface HtlcKeyed {
  readonly key: HtlcKey;
}

/** A durable FAIL whose final event has not been seen. */
export interface StoredFail extends HtlcKeyed {
  readonly paymentHash: PaymentHash;
  readonly setId: SetId;
  readonly reason: FailResult;
  readonly failureOnion: Uint8Array;
  readonly autoFailHeight: number;
}

/** All that a new leader must know before it opens the first interceptor. */
export interface Recovery {
  /** Invoices that are not final, with their members. */
  readonly invoices: readonly StoredInvoice[];
  readonly fails: readonly StoredFail[];
  /** Highest block height recorded by any leader. */
  readonly height: number;
}

/** A non-deciding transition, for the audit log only. */
export interface JournalLine extends EventLine {
  readonly paymentHash: PaymentHash | undefined;
  readonly setId: SetId | undefined;
  readonly at: number;
}

/** A line of the events table as it reads back. */
export interface StoredEvent extends JournalLine {
  readonly sequence: bigint;
  readonly epoch: bigint;
}

/** The epoch of a read is not the leader's any more: nothing of what it would have said may be acted upon. */
export class FencedRead extends Error {
  override readonly name = 'FencedRead';

  constructor() {
    super('another leader has taken over');
  }
}

/** Lines after the cursor of a reader have been deleted: whoever went on would miss them without knowing. */
export class EventsDeleted extends Error {
  override readonly name = 'EventsDeleted';
  /** The highest sequence number that was deleted. */
  readonly through: bigint;

  constructor(through: bigint) {
    super(`events up to ${through} have been deleted`);
    this.through = through;
  }
}

/** The leader's durable memory. One implementation is Postgres; simulations bring a model of it. */
export interface DecisionStore {
  /** One statement, fenced by `epoch`. Results are in the order of `decisions`. */
  decide(epoch: bigint, decisions: readonly Decision[]): Promise<BatchOutcome<DecisionOutcome>>;
  /** One statement, fenced by `epoch`, on a connection of its own. */
  finalise(epoch: bigint, finals: readonly FinalRecord[]): Promise<BatchOutcome<RecordedFinal>>;
  /** Appends journal lines (fenced, batched, off the hot path) and the height high-water mark. */
  journal(epoch: bigint, lines: readonly JournalLine[], height: number): Promise<BatchOutcome<never>>;
  /**
   * What is pending, read under `epoch`. Rejects with {@link FencedRead} when another leader has taken over: a row
   * that says released is only good for a preimage while nobody of a higher epoch can have seen it differently.
   */
  recover(epoch: bigint): Promise<Recovery>;
  /**
   * Rows for these hashes (any status). With an epoch, for parts that arrive for hashes unknown in memory, it rejects
   * with {@link FencedRead} as {@link recover} does; without one, it is for answers to the application.
   */
  invoicesByHash(hashes: readonly PaymentHash[], epoch?: bigint): Promise<readonly StoredInvoice[]>;
  /**
   * Payment hashes of rows of any status with a higher sequence number, in its order, and the last number. Fewer than
   * `max`: there are no more that an earlier leader wrote.
   */
  storedHashes(
    after: bigint,
    max: number,
  ): Promise<{ readonly hashes: readonly PaymentHash[]; readonly last: bigint }>;
  listInvoices(query: {
    readonly sequenceStart: bigint;
    readonly max: number;
  }): Promise<readonly StoredInvoice[]>;
  /** In their order; with `newest`, only that many of the last. */
  eventsByHash(hash: PaymentHash, newest?: number): Promise<readonly StoredEvent[]>;
  /**
   * At most `max` events with a higher sequence number, in its order. Rejects with {@link EventsDeleted} when some of
   * them are not there any more.
   */
  eventsAfter(sequence: bigint, max: number): Promise<readonly StoredEvent[]>;
  /** Sequence number of the last event; 0 before the first. */
  lastEvent(): Promise<bigint>;
}

/** Leadership by a row with an epoch; the epoch alone is what keeps money safe. */
export interface LeadershipStore {
  /** Takes the lead when nobody holds an unexpired lease: the new epoch; or who holds it, for how long still. */
  acquire(
    owner: string,
    leaseMs: number,
  ): Promise<
    | { readonly acquired: true; readonly epoch: bigint }
    | { readonly acquired: false; readonly owner: string; readonly remainingMs: number }
  >;
  /** False when the epoch is not ours any more. */
  renew(epoch: bigint, leaseMs: number): Promise<boolean>;
  /** Ends the lease at once, so that a standby need not wait. */
  release(epoch: bigint): Promise<void>;
}
