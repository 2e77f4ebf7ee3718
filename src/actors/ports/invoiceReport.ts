import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { HtlcKey } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';

/** The states that an invoice has for the application. The last two never change again. */
export type InvoiceState = 'open' | 'accepted' | 'settle_requested' | 'settled' | 'failed';

export type PartStatus = 'held' | 'absent' | 'settling' | 'settled' | 'failing' | 'failed';

export interface PartReport {
  readonly key: HtlcKey;
  readonly nodeName: string;
  readonly amountMsat: Msat;
  /** What its node gets beyond; undefined where nobody wrote it down. */
  readonly feeMsat: Msat | undefined;
  /** Undefined where a row of the Go program, or an earlier leader, did not write it down. */
  readonly cltvExpiry: number | undefined;
  readonly autoFailHeight: number | undefined;
  readonly status: PartStatus;
  /** Of a part that is being failed. */
  readonly failureReason: string | undefined;
}

export interface DeadlineReport {
  /** Height from which the set can't be released any more. */
  readonly height: number;
  readonly blocksLeft: number;
}

/** How one invoice stands at one moment. */
export interface InvoiceReport {
  readonly paymentHash: PaymentHash;
  readonly state: InvoiceState;
  /** State of the HTLC set, or where there is none the reason to know of the invoice at all. */
  readonly phase: string;
  /** In words: what it waits for, or why it failed. */
  readonly explanation: string;
  readonly failureReason: string | undefined;
  readonly setId: SetId | undefined;
  /** What the invoice asks; undefined where nobody remembers. */
  readonly amountMsat: Msat | undefined;
  readonly totalMsat: Msat;
  readonly receivedMsat: Msat;
  readonly settledMsat: Msat;
  readonly parts: readonly PartReport[];
  readonly deadline: DeadlineReport | undefined;
  /** Until a timeout gives the parts up; undefined where none runs. */
  readonly timeoutMs: number | undefined;
  /** Unix milliseconds. */
  readonly settleRequestedAt: number | undefined;
  readonly finalizedAt: number | undefined;
  readonly sequenceNumber: bigint | undefined;
}

export type LookupResult =
  | { readonly result: 'found'; readonly report: InvoiceReport }
  /** Neither memory nor the database has ever heard of it. */
  | { readonly result: 'not_found' }
  | { readonly result: 'unavailable'; readonly reason: string };

export type WatchResult =
  | { readonly result: 'report'; readonly report: InvoiceReport }
  /** The last report was of a final state: there is nothing more to come. */
  | { readonly result: 'over' }
  | { readonly result: 'unavailable'; readonly reason: string };

/**
 * The states of one invoice, from the present one on. Pull model: a reader that is slow is told how things stand when
 * it reads, and nothing is kept for it meanwhile.
 */
export interface InvoiceWatch {
  /** The next report that differs in state or set from the one before. After anything but a report, call no more. */
  next(): Promise<WatchResult>;
  close(): void;
}
