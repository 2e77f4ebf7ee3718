import type { HtlcAnswer, LndHtlcOffer } from '../../actors/ports/lndClient.ts';
import type { LndFailureCode } from '../../actors/ports/nodeLink.ts';
import { Failure_FailureCode } from '../../generated/lnd/lightning.ts';
import { ForwardHtlcInterceptResponse, ResolveHoldForwardAction } from '../../generated/lnd/router.ts';
import { WireReader } from './wireReader.ts';

const NO_BYTES = Buffer.alloc(0);

/**
 * routerrpc.ForwardHtlcInterceptRequest, read by hand: every forwarded HTLC of a node comes this way, and the
 * generated code would copy each onion. The offer's bytes are slices of `bytes`. Throws on malformed protobuf.
 */
export function decodeOffer(bytes: Uint8Array): LndHtlcOffer {
  const reader = new WireReader(bytes);
  let key = { chanId: 0n, htlcId: 0n };
  let paymentHash: Uint8Array = NO_BYTES;
  let onionBlob: Uint8Array = NO_BYTES;
  let [outgoingAmountMsat, incomingAmountMsat, outgoingRequestedChanId] = [0n, 0n, 0n];
  let [outgoingExpiry, incomingExpiry, autoFailHeight] = [0, 0, 0];
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === 10) key = decodeKey(reader.bytes());
    else if (tag === 18) paymentHash = reader.bytes();
    else if (tag === 24) outgoingAmountMsat = reader.uint64();
    else if (tag === 32) outgoingExpiry = reader.uint32();
    else if (tag === 40) incomingAmountMsat = reader.uint64();
    else if (tag === 48) incomingExpiry = reader.uint32();
    else if (tag === 56) outgoingRequestedChanId = reader.uint64();
    else if (tag === 74) onionBlob = reader.bytes();
    else if (tag === 80) autoFailHeight = reader.uint32() | 0;
    else reader.skip(tag);
  }
  return {
    key,
    paymentHash,
    incomingAmountMsat,
    outgoingAmountMsat,
    incomingExpiry,
    outgoingExpiry,
    outgoingRequestedChanId,
    autoFailHeight,
    onionBlob,
  };
}

function decodeKey(bytes: Uint8Array): { chanId: bigint; htlcId: bigint } {
  const reader = new WireReader(bytes);
  let [chanId, htlcId] = [0n, 0n];
  while (!reader.atEnd) {
    const tag = reader.tag();
    if (tag === 8) chanId = reader.uint64();
    else if (tag === 16) htlcId = reader.uint64();
    else reader.skip(tag);
  }
  return { chanId, htlcId };
}

/** The failures of lnd's own that it takes for an intercepted HTLC (routerrpc/forward_interceptor.go). */
const FAILURE_CODES = {
  temporary_channel_failure: Failure_FailureCode.TEMPORARY_CHANNEL_FAILURE,
  invalid_onion_version: Failure_FailureCode.INVALID_ONION_VERSION,
  invalid_onion_hmac: Failure_FailureCode.INVALID_ONION_HMAC,
  invalid_onion_key: Failure_FailureCode.INVALID_ONION_KEY,
} as const satisfies Record<LndFailureCode, number>;

/**
 * routerrpc.ForwardHtlcInterceptResponse. A settle carries the preimage only, a resume nothing; a fail carries
 * its onion or a code: lnd ends the stream of a client that sends both.
 */
export function encodeAnswer(answer: HtlcAnswer): Buffer {
  const message: ForwardHtlcInterceptResponse = {
    incomingCircuitKey: answer.key,
    action: ResolveHoldForwardAction.RESUME,
    preimage: NO_BYTES,
    failureMessage: NO_BYTES,
    failureCode: Failure_FailureCode.RESERVED,
  };
  switch (answer.action) {
    case 'settle':
      message.action = ResolveHoldForwardAction.SETTLE;
      message.preimage = asBuffer(answer.preimage);
      break;
    case 'fail':
      message.action = ResolveHoldForwardAction.FAIL;
      message.failureMessage = asBuffer(answer.failureOnion);
      break;
    case 'failWithCode':
      message.action = ResolveHoldForwardAction.FAIL;
      message.failureCode = FAILURE_CODES[answer.code];
      break;
    case 'resume':
      break;
  }
  const bytes = ForwardHtlcInterceptResponse.encode(message).finish();
  return asBuffer(bytes);
}

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
