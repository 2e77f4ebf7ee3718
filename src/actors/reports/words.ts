import type { FailResult } from '../../domain/failResult.ts';

/** Why an invoice, a set or an HTLC failed, for people. Also for what is only known from the journal. */
const REASONS: Readonly<Record<FailResult | 'parts_failed' | 'partially_settled', string>> = {
  htlc_invoice_type_mismatch: 'the payment did not say for which invoice it is',
  address_mismatch: 'the payment secret was not that of this invoice',
  htlc_set_total_too_low: 'the payer announced less than the invoice asks',
  htlc_set_total_mismatch: 'the payer announced a total that this invoice, or the parts before, do not allow',
  htlc_set_overpayment: 'with this part the payment would have been too large',
  amount_too_low: 'a part was of zero millisatoshi',
  invoice_expired: 'the invoice had expired when the part came',
  expiry_too_soon: 'the part would have expired too soon to be held safely',
  expiry_too_far: 'the part could have been held for too long',
  no_accept_subscriber: 'no application was subscribed to decide on it',
  invoice_not_open: 'the invoice was being paid by other parts, or had ended',
  too_many_htlcs: 'a limit on parts or held HTLCs was reached',
  mpp_timeout: 'the rest of the payment did not come in time',
  accept_timeout: 'the application did not decide in time',
  canceled: 'the application cancelled it',
  deadline_reached: 'a part came too close to the height at which its node gives it back',
  part_lost: 'a node gave a part back, so that the payment could not be settled as a whole',
  node_draining: 'its node is being drained and takes no new parts; the payer can take another node',
  parts_failed: 'no part was settled: their nodes failed all of them',
  partially_settled: 'some parts were settled and others were not',
};

/** A reason in words; its name where it is one that only a log knows. */
export function reasonInWords(reason: string): string {
  return Object.hasOwn(REASONS, reason) ? REASONS[reason as FailResult] : reason;
}

/** A few names, and how many more. */
function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  if (names.length > most) return `${shown.join(', ')} and ${names.length - most} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

export function nodes(names: ReadonlySet<string>): string {
  return `${names.size === 1 ? 'node' : 'nodes'} ${listed([...names])}`;
}

/** A sentence for a released set: the names are those of the nodes with parts that are not final. */
export function waitsForEnd(names: ReadonlySet<string>, open: number, all: number): string {
  const parts = all === 1 ? 'its part' : `${open} of ${all} parts`;
  return `The preimage is out. Waits for ${nodes(names)} to report the end of ${parts}.`;
}

export function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)} s`;
}
