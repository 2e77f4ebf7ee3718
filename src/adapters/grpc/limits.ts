/** What one client, or all together, may ask of the API. */
export interface GrpcLimits {
  /** Invoices in one page of ListInvoices. 10,000 are about 1 MB and 10 ms of the event loop. */
  readonly maxListedInvoices: number;
  /** Open SubscribeInvoiceAccepted streams. */
  readonly maxSubscribers: number;
  /** Open SubscribeSingleInvoice streams; each keeps about 10 kB. */
  readonly maxInvoiceStreams: number;
  /** Open SubscribeEvents streams; each reads the events table for itself. */
  readonly maxEventStreams: number;
  /** Open WaitForInvoiceFinalStatus calls; each keeps about 2 kB. */
  readonly maxWaits: number;
  /** Bytes of one request. The largest useful one is AddInvoice with 639 bytes of description. */
  readonly maxRequestBytes: number;
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  maxListedInvoices: 10_000,
  maxSubscribers: 1_000,
  maxInvoiceStreams: 10_000,
  maxEventStreams: 16,
  maxWaits: 100_000,
  maxRequestBytes: 65_536,
};

/** BOLT 11: a tagged field holds at most 1023 groups of 5 bits, which are 639 bytes. */
export const MAX_DESCRIPTION_BYTES = 639;

/** A hundred years. Beyond about 292 the Go program's clock arithmetic wrapped; nobody means this much. */
export const MAX_EXPIRY_SECS = 3_155_760_000n;

/** The largest sequence number that the database can hold (bigint). */
export const MAX_SEQUENCE_NUMBER = 2n ** 63n - 1n;
