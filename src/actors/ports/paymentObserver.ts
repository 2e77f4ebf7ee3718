import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { Part } from '../../domain/part.ts';

/** What happened to a payment. Nothing in here is secret. */
export type PaymentEvent =
  /** A part with a valid secret joined a set, or was refused one. */
  | { readonly type: 'part.held'; readonly part: Part }
  | { readonly type: 'set.completed'; readonly setId: SetId; readonly parts: number }
  /** The application, or auto-settle, asks for it. */
  | { readonly type: 'settle.requested'; readonly setId: SetId }
  /** Something is handed to the database, and is durable. */
  | { readonly type: 'decision.submitted'; readonly decision: string; readonly setId: SetId }
  | { readonly type: 'decision.committed'; readonly decision: string; readonly reason: string | undefined }
  /** The preimage is on its way, for the first time. */
  | { readonly type: 'preimage.released' }
  /** lnd's last word on a part. */
  | { readonly type: 'part.final'; readonly partId: PartId; readonly settled: boolean }
  | {
      readonly type: 'invoice.final';
      readonly status: 'settled' | 'failed';
      readonly reason: string | undefined;
      readonly settledMsat: bigint;
    }
  /** Nothing of this payment is in memory any more. */
  | { readonly type: 'payment.closed' };

/** Follows payments, for traces. It must be quick and must not throw. */
export interface PaymentObserver {
  happened(hash: PaymentHash, event: PaymentEvent, at: number): void;
}
