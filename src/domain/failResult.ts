/**
 * Why an HTLC was failed. Names follow lnd's invoices/resolution_result.go where lnd has one. The payer sees
 * only the BOLT 4 code that {@link failureCodeOf} gives; the name is for the application, the log and the
 * events table.
 */
export type FailResult =
  /** The payload has no payment_data: not a payment to one of our invoices. */
  | 'htlc_invoice_type_mismatch'
  /** The payment secret is not one of ours, or belongs to another payment hash. */
  | 'address_mismatch'
  /** total_msat is below what the invoice asks. */
  | 'htlc_set_total_too_low'
  /** total_msat is not one that this invoice, or this set, takes. */
  | 'htlc_set_total_mismatch'
  /** The part would bring the set above what may be paid. */
  | 'htlc_set_overpayment'
  /** A part of zero msat. */
  | 'amount_too_low'
  /** The part arrived after the invoice had expired. */
  | 'invoice_expired'
  /** Too few blocks are left to hold this part safely. */
  | 'expiry_too_soon'
  /** The part could be held for longer than anyone should have to wait. */
  | 'expiry_too_far'
  /** No application is there to hear of the payment. */
  | 'no_accept_subscriber'
  /** The invoice is already being settled, settled or failed; or its set is complete and frozen. */
  | 'invoice_not_open'
  /** A limit on parts, sets or held HTLCs is reached. */
  | 'too_many_htlcs'
  /** The rest of the set did not come in time. */
  | 'mpp_timeout'
  /** The application did not decide in time. */
  | 'accept_timeout'
  /** The application cancelled the invoice. */
  | 'canceled'
  /** A part came too close to the height at which its node gives it back. */
  | 'deadline_reached'
  /** Another part of the set was given back by its node, so that the set can't be settled as a whole. */
  | 'part_lost'
  /** The operator wants no new parts over this node. The node says so itself: its payer may try another one. */
  | 'node_draining';

/** BOLT 4 failure that the payer gets for a {@link FailResult}. */
export type PaymentFailureCode = 'incorrect_or_unknown_payment_details' | 'mpp_timeout';

/** Only an incomplete set says mpp_timeout; everything else must not tell a prober more than "unknown". */
export function failureCodeOf(result: FailResult): PaymentFailureCode {
  return result === 'mpp_timeout' ? 'mpp_timeout' : 'incorrect_or_unknown_payment_details';
}
