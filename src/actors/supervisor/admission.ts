import type { FailResult } from '../../domain/failResult.ts';
import { hashBytes, type PaymentHash } from '../../domain/hash.ts';
import { partIdOf } from '../../domain/htlcKey.ts';
import { isPayableMsat, MAX_MSAT, type Msat } from '../../domain/msat.ts';
import type { Part } from '../../domain/part.ts';
import { type InvoiceTerms, refusalOfBytes } from '../../domain/terms.ts';
import {
  finalIncorrectCltvExpiry,
  finalIncorrectHtlcAmount,
  incorrectOrUnknownPaymentDetails,
  invalidOnionPayload,
} from '../../lightning/failureMessage.ts';
import type { LifecycleRules } from '../../machines/rules.ts';
import type { HtlcOffer, LndFailureCode } from '../ports/nodeLink.ts';
import type { OnionPeeler, PeelFailure, PeelResult } from '../ports/onionPeeler.ts';

/** What the invoice hints promise to charge; the same for each node. */
export interface RoutingPolicy {
  readonly feeBaseMsat: number;
  readonly feeRatePpm: number;
  readonly cltvDelta: number;
}

/** One that invoices which are still open may name. */
export interface PreviousPolicy extends RoutingPolicy {
  /** Unix milliseconds from which it is not accepted any more. */
  readonly until: number;
}

/** What senders may charge themselves for the virtual hop. */
export interface AcceptedPolicies {
  readonly policy: RoutingPolicy;
  readonly previousPolicies?: readonly PreviousPolicy[];
}

/** An offer that carries the secret of one of our invoices. */
export interface Candidate {
  readonly part: Part;
  readonly paymentHash: PaymentHash;
  readonly terms: InvoiceTerms;
  readonly sharedSecret: Uint8Array;
  readonly paymentAddr: Uint8Array;
  /** What its node keeps of it: see {@link feeOf}. */
  readonly feeMsat: Msat;
}

/** What is said to an offer after looking at nothing but its bytes: the same for ever, so nothing is stored. */
export type Admission =
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** Failed by lnd in its own name. */
  | { readonly kind: 'rejectWithCode'; readonly code: LndFailureCode; readonly outcome: string }
  /** Failed with an onion of ours that carries `message`. */
  | {
      readonly kind: 'reject';
      readonly sharedSecret: Uint8Array;
      readonly message: Uint8Array;
      readonly outcome: FailResult | string;
    };

/** BOLT 2: an expiry from here on would be a time, not a height. */
const EXPIRY_LIMIT = 500_000_000;

/**
 * What is wrong with an offer by the policy of today, unless an earlier one that is still accepted has nothing against
 * it: an invoice does not become unpayable because the operator changes his mind.
 */
export function policyViolation(
  offer: HtlcOffer,
  { policy, previousPolicies = [] }: AcceptedPolicies,
  now: number,
): string | undefined {
  const violation = violationOf(offer, policy);
  const allowed = (each: PreviousPolicy) => now < each.until && violationOf(offer, each) === undefined;
  return violation !== undefined && previousPolicies.some(allowed) ? undefined : violation;
}

/** Fee and CLTV of the virtual hop. Arithmetic is on bigint: a sender may put any u64 there. */
function violationOf(offer: HtlcOffer, policy: RoutingPolicy): string | undefined {
  const { incomingAmountMsat: incoming, outgoingAmountMsat: outgoing } = offer;
  const fee = BigInt(policy.feeBaseMsat) + (outgoing * BigInt(policy.feeRatePpm)) / 1_000_000n;
  if (incoming < outgoing + fee) return 'fee_insufficient';
  if (offer.outgoingExpiry >= EXPIRY_LIMIT || offer.incomingExpiry >= EXPIRY_LIMIT) return 'expiry_too_far';
  if (offer.incomingExpiry < offer.outgoingExpiry + policy.cltvDelta) return 'incorrect_cltv_expiry';
  return undefined;
}

/**
 * What the node gets beyond what counts towards the invoice. Nobody checked the incoming amount of an HTLC that is
 * looked at for the first time, so that absurd ones are cut to what can exist: they must fit into the database.
 */
export function feeOf({ incomingAmountMsat, outgoingAmountMsat }: Omit<HtlcOffer, 'onionBlob'>): Msat {
  const fee = incomingAmountMsat - outgoingAmountMsat;
  if (isPayableMsat(fee)) return fee;
  return fee <= 0n ? 0n : MAX_MSAT;
}

/** Opens the onion and judges what is inside. `done` is called later, once. */
export function admit(
  offer: HtlcOffer,
  height: number,
  rules: LifecycleRules,
  peeler: OnionPeeler,
  done: (admission: Admission) => void,
): void {
  // The onion is only lent for this call: what outlives it must not hold on to the message.
  const { onionBlob, ...kept } = offer;
  peeler.peel({ onionBlob, paymentHash: hashBytes(offer.paymentHash) }, (result) =>
    done(judge(kept, height, rules, result)),
  );
}

function judge(
  offer: Omit<HtlcOffer, 'onionBlob'>,
  height: number,
  rules: LifecycleRules,
  result: PeelResult,
): Admission {
  if (!result.ok) return unreadable(result);
  const { payload, sharedSecret } = result;
  const reject = (outcome: string, message: Uint8Array): Admission => ({
    kind: 'reject',
    sharedSecret,
    message,
    outcome,
  });
  const unknown = (outcome: FailResult) =>
    reject(outcome, incorrectOrUnknownPaymentDetails(offer.outgoingAmountMsat, height));
  if (offer.outgoingAmountMsat < payload.amountMsat) {
    return reject('final_incorrect_htlc_amount', finalIncorrectHtlcAmount(offer.outgoingAmountMsat));
  }
  if (offer.outgoingExpiry < payload.cltvExpiry) {
    return reject('final_incorrect_cltv_expiry', finalIncorrectCltvExpiry(offer.outgoingExpiry));
  }
  if (!payload.paymentData) return unknown('htlc_invoice_type_mismatch');
  if (!result.secretMatches || !result.terms) return unknown('address_mismatch');
  const part: Part = {
    id: partIdOf(offer.key),
    key: offer.key,
    amountMsat: offer.outgoingAmountMsat,
    totalMsat: payload.paymentData.totalMsat,
    cltvExpiry: offer.outgoingExpiry,
    autoFailHeight: offer.autoFailHeight,
    heightAtReceipt: height,
  };
  const refusal = refusalOfBytes(part, result.terms, rules);
  if (refusal) return unknown(refusal);
  const { paymentAddr } = payload.paymentData;
  const { paymentHash } = offer;
  const feeMsat = feeOf(offer);
  return {
    kind: 'candidate',
    candidate: { part, paymentHash, terms: result.terms, sharedSecret, paymentAddr, feeMsat },
  };
}

/** BADONION failures come from lnd; a payload that can't be read is answered by us, since the onion is authentic. */
function unreadable({ error, sharedSecret }: PeelFailure): Admission {
  if (sharedSecret) {
    const message = invalidOnionPayload(error.tlvType ?? 0n, error.offset ?? 0);
    return { kind: 'reject', sharedSecret, message, outcome: error.code };
  }
  switch (error.code) {
    case 'invalid_onion_version':
    case 'invalid_onion_hmac':
    case 'invalid_onion_key':
      return { kind: 'rejectWithCode', code: error.code, outcome: error.code };
    case 'peeler_unavailable':
      return { kind: 'rejectWithCode', code: 'temporary_channel_failure', outcome: error.code };
    default:
      return { kind: 'rejectWithCode', code: 'invalid_onion_key', outcome: error.code };
  }
}
