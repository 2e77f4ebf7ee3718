import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';

/** Something that has become of an invoice, as it was written down. */
export interface InvoiceEvent {
  /** Its place in the order of commits. */
  readonly sequence: bigint;
  readonly type: 'accepted' | 'given_back' | 'settle_requested' | 'settled' | 'failed';
  readonly paymentHash: PaymentHash;
  readonly setId: SetId | undefined;
  /** Unix milliseconds. */
  readonly at: number;
  /** Of what was given back or has failed. */
  readonly failureReason: string | undefined;
  /** What has arrived for good; of an end only. */
  readonly settledMsat: Msat;
}

export type EventResult =
  | { readonly result: 'event'; readonly event: InvoiceEvent }
  /** The cursor is after the last event there is: it is of another database. */
  | { readonly result: 'beyond'; readonly last: bigint }
  /** Events after the cursor, up to `through`, have been deleted. */
  | { readonly result: 'deleted'; readonly through: bigint }
  | { readonly result: 'unavailable'; readonly reason: string };

/** The same for a reader that deals with many at once. */
export type EventPageResult =
  | {
      readonly result: 'page';
      /** May be none: most lines of the table mean nothing to an application. */
      readonly events: readonly InvoiceEvent[];
      /** Where to go on when these have been dealt with. */
      readonly through: bigint;
    }
  | Exclude<EventResult, { readonly result: 'event' }>;

/** Where a reader of events begins: after a sequence number, or with what is written from now on. */
export type EventCursor = bigint | 'new';

/** Pull model, as with the other subscriptions: a slow reader finds in the database what it has not read. */
export interface EventSubscription {
  /** The next event, when there is one. After anything else, call no more. */
  next(): Promise<EventResult>;
  close(): void;
}
