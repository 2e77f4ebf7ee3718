import type { NodeId } from '../../domain/hash.ts';
import { hashBytes } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import type { DecodedInvoice, RouteHint } from '../../lightning/bolt11.ts';
import { encodeFinalPayload, encodeHopPayload } from '../../lightning/finalPayload.ts';
import { type BuiltOnion, buildOnion } from '../../lightning/onion.ts';

/** One part of a payment over one hint. */
export interface PartPlan {
  readonly invoice: DecodedInvoice;
  readonly hint: RouteHint;
  readonly amountMsat: Msat;
  readonly totalMsat: Msat;
  /** Of the node that the hint names. */
  readonly height: number;
  readonly sessionKey: Uint8Array;
}

/** What the payer's HTLC to the hinted node carries. */
export interface PartHtlc extends BuiltOnion {
  readonly amountMsat: Msat;
  readonly feeMsat: Msat;
  readonly expiry: number;
}

/** Fee of a hint for forwarding an amount (BOLT 7): base plus parts per million, rounded down. */
export function hintFee({ feeBaseMsat, feeRatePpm }: RouteHint, amountMsat: Msat): Msat {
  return BigInt(feeBaseMsat) + (amountMsat * BigInt(feeRatePpm)) / 1_000_000n;
}

/** The onion payer → hinted node → virtual node, with the hint's fee and CLTV delta added before the node. */
export function buildPart(plan: PartPlan): PartHtlc {
  const { invoice, hint, amountMsat, totalMsat, height, sessionKey } = plan;
  const finalExpiry = height + invoice.finalCltvDelta;
  const feeMsat = hintFee(hint, amountMsat);
  const nodePayload = encodeHopPayload({ amountMsat, cltvExpiry: finalExpiry, chanId: hint.chanId });
  const finalPayload = encodeFinalPayload({
    amountMsat,
    cltvExpiry: finalExpiry,
    paymentData: { paymentAddr: invoice.paymentAddr, totalMsat },
  });
  const onion = buildOnion({
    sessionKey,
    paymentHash: invoice.paymentHash,
    hops: [
      { publicKey: bytesOf(hint.nodeId), payload: nodePayload },
      { publicKey: bytesOf(invoice.payee), payload: finalPayload },
    ],
  });
  return { ...onion, amountMsat: amountMsat + feeMsat, feeMsat, expiry: finalExpiry + hint.cltvDelta };
}

function bytesOf(nodeId: NodeId): Uint8Array {
  return new Uint8Array(hashBytes(nodeId));
}
