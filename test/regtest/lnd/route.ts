import type { NodeId } from '../../../src/domain/hash.ts';
import type { DecodedInvoice } from '../../../src/lightning/bolt11.ts';
import { hintFee } from '../../../src/simulator/payer/partRoute.ts';

/** One HTLC that shall go over a given channel to a node that the invoice's hints name. */
export interface RoutePlan {
  readonly invoice: DecodedInvoice;
  readonly nodeId: NodeId;
  /** Short id of the payer's channel with that node. */
  readonly scid: string;
  readonly amountMsat: bigint;
  readonly totalMsat: bigint;
  /** Of the payer's chain. */
  readonly height: number;
}

/**
 * The route as sendtoroute takes it: payer, node, payee. `amt_to_forward` and `expiry` of a hop are those of the
 * HTLC that it sends on; the payee's are what it gets.
 */
export function routeJson({ invoice, nodeId, scid, amountMsat, totalMsat, height }: RoutePlan): string {
  const hint = invoice.hints.map(([only]) => only).find((each) => each?.nodeId === nodeId);
  if (!hint) throw new Error(`the invoice has no route hint over ${nodeId}`);
  const fee = hintFee(hint, amountMsat);
  const expiry = height + invoice.finalCltvDelta;
  const basis = { amt_to_forward_msat: String(amountMsat), expiry, tlv_payload: true };
  const route = {
    total_time_lock: expiry + hint.cltvDelta,
    total_amt_msat: String(amountMsat + fee),
    total_fees_msat: String(fee),
    hops: [
      { ...basis, chan_id: scid, fee_msat: String(fee), pub_key: nodeId },
      {
        ...basis,
        chan_id: String(hint.chanId),
        fee_msat: '0',
        pub_key: invoice.payee,
        mpp_record: {
          payment_addr: Buffer.from(invoice.paymentAddr).toString('hex'),
          total_amt_msat: String(totalMsat),
        },
      },
    ],
  };
  return JSON.stringify({ routes: [route] });
}
