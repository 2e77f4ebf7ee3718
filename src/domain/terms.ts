import type { FailResult } from './failResult.ts';
import type { Msat } from './msat.ts';
import type { Part } from './part.ts';

/** What an invoice asks, as its payment address says. */
export interface InvoiceTerms {
  readonly amountMsat: Msat;
  /** Unix seconds after which no further part is taken. */
  readonly expiresAt: number;
}

/** The operator's rules for taking parts. Every number is a named, configurable limit. */
export interface AcceptanceRules {
  /** The Go program's equality: the declared total and the sum must be the invoice amount exactly. */
  readonly exactAmount: boolean;
  /** A part's cltv expiry must be at least this many blocks away (final cltv reject delta). */
  readonly cltvRejectDelta: number;
  /** Blocks before lnd's auto-fail height at which we give a set up ourselves. */
  readonly deadlineMargin: number;
  /** Blocks beyond which an expiry is refused: nobody's money is held for longer. */
  readonly maxCltvDelta: number;
  readonly maxPartsPerSet: number;
}

/** The set so far, as far as taking one more part depends on it. */
export interface SetSoFar {
  readonly heldMsat: Msat;
  readonly totalMsat: Msat;
  readonly parts: number;
}

/** What the world looks like when a part is offered. */
export interface OfferFacts {
  /** Unix seconds. */
  readonly now: number;
  readonly height: number;
  /** An application is subscribed, or was so recently enough. */
  readonly subscribed: boolean;
}

/**
 * The verdicts that follow from the offer's bytes and the invoice's terms alone. They need no durable decision:
 * whoever looks at the same bytes again says the same.
 */
export function refusalOfBytes(
  part: Part,
  terms: InvoiceTerms,
  rules: AcceptanceRules,
): FailResult | undefined {
  if (part.totalMsat === 0n) return 'htlc_set_total_too_low';
  if (rules.exactAmount) {
    if (part.totalMsat !== terms.amountMsat) return 'htlc_set_total_mismatch';
  } else {
    if (part.totalMsat < terms.amountMsat) return 'htlc_set_total_too_low';
    if (part.totalMsat > terms.amountMsat * 2n) return 'htlc_set_total_mismatch';
  }
  return part.amountMsat <= 0n ? 'amount_too_low' : undefined;
}

/** The verdicts that depend on the moment and on the parts that are already here, in the order of the Go program. */
export function refusalOf(
  part: Part,
  terms: InvoiceTerms,
  set: SetSoFar | undefined,
  facts: OfferFacts,
  rules: AcceptanceRules,
): FailResult | undefined {
  if (facts.now >= terms.expiresAt) return 'invoice_expired';
  if (set && set.totalMsat !== part.totalMsat) return 'htlc_set_total_mismatch';
  const sum = (set?.heldMsat ?? 0n) + part.amountMsat;
  if (sum > (rules.exactAmount ? terms.amountMsat : terms.amountMsat * 2n)) return 'htlc_set_overpayment';
  if (part.cltvExpiry < facts.height + rules.cltvRejectDelta) return 'expiry_too_soon';
  if (part.autoFailHeight - rules.deadlineMargin <= facts.height) return 'expiry_too_soon';
  if (part.cltvExpiry > facts.height + rules.maxCltvDelta) return 'expiry_too_far';
  if (set && set.parts >= rules.maxPartsPerSet) return 'too_many_htlcs';
  if (!set && !facts.subscribed) return 'no_accept_subscriber';
  return undefined;
}

/** Whether a set with this sum has all that its sender declared. */
export function completes(heldMsat: Msat, totalMsat: Msat): boolean {
  return heldMsat >= totalMsat;
}
