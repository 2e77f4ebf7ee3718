import type { PaymentHash } from '../../domain/hash.ts';
import type { HtlcKey } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';

/** An HTLC whose fate is decided and durable, and whose end its node has not reported. */
export interface UnresolvedPart {
  readonly key: HtlcKey;
  readonly nodeName: string;
  /** Its node is in the configuration, so it can still report. */
  readonly configured: boolean;
  readonly paymentHash: PaymentHash;
  /** settle: the preimage may be out. requested: it is not. fail: it is given back. */
  readonly decision: 'settle' | 'requested' | 'fail';
  /** Undefined where only the decision is remembered. */
  readonly amountMsat: Msat | undefined;
  readonly autoFailHeight: number | undefined;
}

/** An operator's word on how an HTLC has ended. */
export interface PartEnd {
  readonly key: HtlcKey;
  readonly settled: boolean;
  /** Also where the node is configured and might report the end itself. */
  readonly evenIfConfigured: boolean;
}

export type FinalizeResult =
  | { readonly result: 'recorded' }
  | { readonly result: 'not_found' }
  /** The word can't be true, or it is not the operator's to say. */
  | { readonly result: 'refused'; readonly reason: string }
  /** Taken, and not written yet. */
  | { readonly result: 'unavailable'; readonly reason: string };
