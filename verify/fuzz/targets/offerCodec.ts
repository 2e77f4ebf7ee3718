import { decodeOffer, encodeAnswer } from '../../../src/adapters/lnd/interceptorCodec.ts';
import {
  ForwardHtlcInterceptRequest,
  ForwardHtlcInterceptResponse,
  ResolveHoldForwardAction,
} from '../../../src/generated/lnd/router.ts';
import { bytes, golden } from '../../../test/lightning/vectors.ts';
import { mutateProtobuf } from '../engine/protobuf.ts';
import { type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';

type Offer = ReturnType<typeof decodeOffer>;

/** The same fields as the generated code reads them. */
function generated(input: Uint8Array): Offer | undefined {
  try {
    const message = ForwardHtlcInterceptRequest.decode(input);
    return {
      key: {
        chanId: message.incomingCircuitKey?.chanId ?? 0n,
        htlcId: message.incomingCircuitKey?.htlcId ?? 0n,
      },
      paymentHash: message.paymentHash,
      incomingAmountMsat: message.incomingAmountMsat,
      outgoingAmountMsat: message.outgoingAmountMsat,
      incomingExpiry: message.incomingExpiry,
      outgoingExpiry: message.outgoingExpiry,
      outgoingRequestedChanId: message.outgoingRequestedChanId,
      autoFailHeight: message.autoFailHeight,
      onionBlob: message.onionBlob,
    };
  } catch {
    return undefined;
  }
}

function checkRanges(offer: Offer): void {
  for (const value of [offer.incomingExpiry, offer.outgoingExpiry]) {
    must(Number.isInteger(value) && value >= 0 && value < 2 ** 32, 'an expiry is a u32');
  }
  must(offer.autoFailHeight === (offer.autoFailHeight | 0), 'the auto-fail height is an int32');
  for (const value of [
    offer.key.chanId,
    offer.key.htlcId,
    offer.incomingAmountMsat,
    offer.outgoingAmountMsat,
  ]) {
    must(value >= 0n && value < 1n << 64n, 'ids and amounts are u64');
  }
}

/** An answer to it names the same HTLC. */
function checkAnswer(offer: Offer): void {
  const answer = ForwardHtlcInterceptResponse.decode(encodeAnswer({ action: 'resume', key: offer.key }));
  mustEqual(answer.incomingCircuitKey, offer.key, 'the answer is to the same HTLC');
  must(answer.action === ResolveHoldForwardAction.RESUME, 'the answer is what it was');
}

function run(input: Uint8Array): string {
  const expected = generated(input);
  let offer: Offer;
  try {
    offer = decodeOffer(input);
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error;
    must(error.message.startsWith('protobuf: '), 'the error is the reader’s own');
    return `refused: ${error.message}${expected ? ', generated code takes it' : ''}`;
  }
  checkRanges(offer);
  checkAnswer(offer);
  if (!expected) return 'decoded, generated code refuses it';
  mustEqual(offer, expected, 'the generated code reads the same');
  return 'decoded';
}

const FULL: ForwardHtlcInterceptRequest = {
  incomingCircuitKey: { chanId: 2n ** 63n + 5n, htlcId: 77n },
  paymentHash: Buffer.from(golden.onion.assocData, 'hex'),
  incomingAmountMsat: 10_000n,
  outgoingAmountMsat: 9_000n,
  incomingExpiry: 900_000,
  outgoingExpiry: 899_960,
  outgoingRequestedChanId: 2n ** 64n - 1n,
  onionBlob: Buffer.from(bytes(golden.onion.onion)),
  autoFailHeight: 899_987,
};

function seeds(): Uint8Array[] {
  const written = (message: ForwardHtlcInterceptRequest) =>
    ForwardHtlcInterceptRequest.encode(message).finish();
  const bare = { ...FULL, incomingCircuitKey: undefined, onionBlob: Buffer.alloc(0), autoFailHeight: -1 };
  return [written(FULL), written(bare), new Uint8Array()];
}

export const offerCodec: Target = {
  name: 'offerCodec',
  promise: 'decodeOffer: refuses malformed bytes with its own errors, or reads what the generated code reads',
  maxBytes: 1_800,
  maxMs: 20,
  open: (): LiveTarget => ({ seeds: seeds(), run, mutate: mutateProtobuf }),
};
