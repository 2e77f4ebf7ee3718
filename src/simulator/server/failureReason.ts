import { sha256 } from '../../lightning/crypto.ts';
import {
  badOnion,
  incorrectOrUnknownPaymentDetails,
  temporaryChannelFailure,
  unknownNextPeer,
} from '../../lightning/failureMessage.ts';
import { encodeFailure, wrapFailure } from '../../lightning/failureOnion.ts';
import type { Failure, OriginFailure } from '../node/types.ts';

/** What is needed of an HTLC to write its failure. */
export interface FailedHtlc {
  readonly sharedSecret: Uint8Array;
  readonly onionBlob: Uint8Array;
  readonly incomingAmountMsat: bigint;
}

/**
 * The failure onion as the peer before this node gets it: the virtual hop's with this node's layer on top, or this
 * node's own (BOLT 4, returning errors).
 */
export function failureReason(failure: Failure, htlc: FailedHtlc, height: number): Uint8Array {
  if (failure.kind === 'encrypted') return wrapFailure(htlc.sharedSecret, failure.reason);
  return encodeFailure(htlc.sharedSecret, originMessage(failure.name, htlc, height));
}

function originMessage(name: OriginFailure, htlc: FailedHtlc, height: number): Uint8Array {
  switch (name) {
    case 'temporary_channel_failure':
      return temporaryChannelFailure();
    case 'unknown_next_peer':
      return unknownNextPeer();
    case 'expiry_too_soon':
      // With an empty channel_update, as temporary_channel_failure.
      return Uint8Array.of(0x10, 0x0e, 0, 0);
    case 'expiry_too_far':
      return Uint8Array.of(0, 21);
    case 'incorrect_or_unknown_payment_details':
      return incorrectOrUnknownPaymentDetails(htlc.incomingAmountMsat, height);
    default:
      return badOnion(name, sha256(htlc.onionBlob));
  }
}
