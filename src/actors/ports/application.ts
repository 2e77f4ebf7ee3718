import type { NodeId, PaymentHash, SetId } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import type { EventCursor, EventSubscription } from './invoiceEvents.ts';
import type { InvoiceWatch, LookupResult } from './invoiceReport.ts';
import type { FinalizeResult, PartEnd, UnresolvedPart } from './unresolved.ts';

/** What the gRPC API asks of the core. Bytes are validated by the caller; answers are values, not exceptions. */
export interface Application {
  info(): ApplicationInfo;
  /** Signs a stateless invoice; stores nothing. */
  addInvoice(request: AddInvoice): AddInvoiceResult;
  settleInvoice(hash: PaymentHash, setId: SetId): Promise<SettleResult>;
  cancelInvoice(hash: PaymentHash, setId: SetId): Promise<CancelResult>;
  /** Every complete set now, then each as it completes, until closed. */
  subscribeAccepted(): AcceptedSubscription;
  /**
   * The final status, waiting for it while settlement is requested. Where nothing is stored it is not found at once,
   * unless `fromIssue`: then it is waited for all the same.
   */
  waitForFinalStatus(hash: PaymentHash, signal: AbortSignal, fromIssue?: boolean): Promise<WaitResult>;
  lookupInvoice(hash: PaymentHash): Promise<LookupResult>;
  watchInvoice(hash: PaymentHash): InvoiceWatch;
  subscribeEvents(start: EventCursor): EventSubscription;
  /** At most `max` HTLCs that are decided and not final; of nodes that are not configured, or of all. */
  listUnresolved(query: { readonly all: boolean; readonly max: number }): readonly UnresolvedPart[];
  finalizePart(end: PartEnd): Promise<FinalizeResult>;
  listInvoices(query: { readonly sequenceStart: bigint; readonly max: number }): Promise<ListResult>;
}

export interface ApplicationInfo {
  readonly nodeId: NodeId;
  readonly network: string;
  /** Every configured node, in the order of the configuration. */
  readonly nodes: readonly NodeId[];
  readonly autoSettle: boolean;
}

export interface AddInvoice {
  readonly amountMsat: Msat;
  readonly expirySecs: bigint;
  readonly description: string;
  readonly descriptionHash: Uint8Array | undefined;
}

export type AddInvoiceResult =
  | {
      readonly ok: true;
      readonly paymentRequest: string;
      readonly preimage: Uint8Array;
      readonly paymentHash: Uint8Array;
    }
  /** `problem` says which field is wrong and what it must be. */
  | { readonly ok: false; readonly problem: string }
  /** Nothing is wrong with the request; there is just no node that could be paid over. */
  | { readonly ok: false; readonly unavailable: string };

/** Unavailable: nothing was decided, try again. Aborted: another decision won; ask for the status. */
export type SettleResult =
  /** Durably requested (now or before). Not yet final: goods follow only SETTLED. */
  | { readonly result: 'requested' }
  | { readonly result: 'not_found' }
  /** The invoice has failed, or the set can't be settled any more; `reason` in words. */
  | { readonly result: 'failed_precondition'; readonly reason: string }
  | { readonly result: 'unavailable'; readonly reason: string }
  /** The store gave no clean answer: settlement may or may not be requested. Call again with the same set id. */
  | { readonly result: 'unknown'; readonly reason: string };

export type CancelResult =
  | { readonly result: 'canceled' }
  | { readonly result: 'not_found' }
  | { readonly result: 'settle_already_requested' }
  | { readonly result: 'unavailable'; readonly reason: string };

export interface AcceptedSet {
  readonly paymentHash: PaymentHash;
  readonly setId: SetId;
  /** Height from which the set can't be settled any more, and how many blocks are left. */
  readonly deadlineHeight: number;
  readonly blocksLeft: number;
  /** Until the accept timeout gives the set up; 0 while its settlement is being written. */
  readonly timeoutMs: number;
}

/** Pull model: nothing is dropped and nothing overflows; a set that went away before it was read is skipped. */
export interface AcceptedSubscription {
  /** The next set, when there is one; undefined when the subscription (or the daemon) has ended. */
  next(): Promise<AcceptedSet | undefined>;
  close(): void;
}

export type WaitResult =
  | { readonly result: 'settled' }
  | { readonly result: 'failed'; readonly reason: string }
  | { readonly result: 'not_found' }
  | { readonly result: 'aborted' }
  | { readonly result: 'unavailable'; readonly reason: string };

export interface ListedInvoice {
  readonly paymentHash: PaymentHash;
  readonly preimage: Uint8Array;
  readonly amountMsat: Msat;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
  /** Unix milliseconds. */
  readonly settleRequestedAt: number | undefined;
  readonly finalizedAt: number | undefined;
  readonly sequenceNumber: bigint;
}

export type ListResult =
  | { readonly ok: true; readonly invoices: readonly ListedInvoice[] }
  | { readonly ok: false; readonly reason: string };
