import type { NodeId } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import type { FailureMessage } from '../../lightning/failureMessage.ts';

/** A part asked for by the caller; without a node the payer chooses. */
export interface PartRequest {
  readonly amountMsat: Msat;
  readonly nodeId?: NodeId | undefined;
}

export interface PayOptions {
  /** For an invoice without amount, or to pay more. */
  readonly amountMsat?: Msat;
  /** Exactly these parts. Their sum is what is sent, also when that is not the total. */
  readonly parts?: readonly PartRequest[];
  /** That many parts of about the same size, spread over the hints. 1 by default. */
  readonly splits?: number;
  /** The total_msat of the payload; the sum of the parts by default. */
  readonly totalMsat?: Msat;
  /** How many failed parts are sent again, over another hint where there is one. 3 by default. */
  readonly maxRetries?: number;
  /** After that the payer stops waiting; HTLCs stay under way. 60 s by default. */
  readonly timeoutMs?: number;
  /** Added to the invoice's final CLTV delta. */
  readonly extraCltvDelta?: number;
}

/** Why one HTLC failed. `hop` 0 is the hinted node, 1 the payee. */
export interface AttemptFailure {
  readonly hop: number | undefined;
  readonly message: FailureMessage | undefined;
  /** One of: failed, malformed, refused, onChain, unreadable, unknown. */
  readonly kind: 'failed' | 'malformed' | 'refused' | 'onChain' | 'unreadable' | 'unknown';
  readonly text: string;
}

/** One HTLC that was sent, or tried to be. */
export interface Attempt {
  readonly part: number;
  readonly nodeId: NodeId;
  readonly chanId: bigint;
  readonly htlcId: bigint | undefined;
  readonly amountMsat: Msat;
  readonly feeMsat: Msat;
  readonly expiry: number;
  /** pending: the payer gave up waiting, the HTLC may still settle. */
  readonly status: 'settled' | 'failed' | 'pending';
  readonly failure?: AttemptFailure;
}

/** What the payer knows at the end. */
export interface PaymentResult {
  /** settled: every part. partial: some were settled, some failed. pending: some are still under way. */
  readonly status: 'settled' | 'failed' | 'partial' | 'pending';
  /** Hex; verified against the payment hash. Present as soon as one part was settled. */
  readonly preimage?: string;
  /** What arrived, without fees. */
  readonly paidMsat: Msat;
  readonly feesMsat: Msat;
  /** Amounts still under way. */
  readonly pendingMsat: Msat;
  readonly parts: number;
  readonly attempts: readonly Attempt[];
}

/** Sums up what every attempt came to. */
export function summarise(attempts: readonly Attempt[], parts: number, preimage?: string): PaymentResult {
  const settled = attempts.filter(({ status }) => status === 'settled');
  const pending = attempts.filter(({ status }) => status === 'pending');
  const sum = (list: readonly Attempt[], of: (attempt: Attempt) => Msat) =>
    list.reduce((total, attempt) => total + of(attempt), 0n);
  return {
    status: statusOf(settled.length, pending.length, parts),
    ...(preimage === undefined ? {} : { preimage }),
    paidMsat: sum(settled, ({ amountMsat }) => amountMsat),
    feesMsat: sum(settled, ({ feeMsat }) => feeMsat),
    pendingMsat: sum(pending, ({ amountMsat }) => amountMsat),
    parts,
    attempts,
  };
}

function statusOf(settled: number, pending: number, parts: number): PaymentResult['status'] {
  if (pending > 0) return 'pending';
  if (settled === 0) return 'failed';
  return settled === parts ? 'settled' : 'partial';
}
