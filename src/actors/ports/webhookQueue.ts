import type { InvoiceEvent } from './invoiceEvents.ts';

/** Remembers how far each webhook has read the events, and what is still to be delivered. */
export interface WebhookQueue {
  /** Where the webhook goes on. A new one begins with what is written from now on. */
  place(webhook: string): Promise<bigint>;
  /**
   * Makes a job for each event and moves the webhook from `from` to `through`, both or nothing. False when it was not
   * at `from`, or another leader has taken over: nothing was done. After a rejection it may be done or not, and
   * {@link place} tells.
   */
  enqueue(webhook: string, from: bigint, through: bigint, events: readonly InvoiceEvent[]): Promise<boolean>;
}
