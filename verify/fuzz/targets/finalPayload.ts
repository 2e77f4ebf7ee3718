import type { DecodeError } from '../../../src/lightning/errors.ts';
import {
  decodeFinalPayload,
  encodeFinalPayload,
  type FinalPayload,
} from '../../../src/lightning/finalPayload.ts';
import { readTlvStream, writeTlvStream } from '../../../src/lightning/tlv.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { mutateTlv } from '../engine/tlv.ts';
import { PAYLOAD_SEEDS, refusal } from './tlvStream.ts';

const READ = new Set([2n, 4n, 8n]);

/** What was decoded, encoded again, is what the records that are read said. */
export function checkPayload(input: Uint8Array, decoded: FinalPayload): string {
  const { amountMsat, cltvExpiry, paymentData } = decoded;
  must(amountMsat >= 0n && amountMsat < 1n << 64n, 'the amount is a u64');
  must(Number.isInteger(cltvExpiry) && cltvExpiry >= 0 && cltvExpiry < 2 ** 32, 'the expiry is a u32');
  if (paymentData) {
    must(paymentData.paymentAddr.length === 32, 'a payment address has 32 bytes');
    must(paymentData.paymentAddr.buffer !== input.buffer, 'the payment address has memory of its own');
  }
  const read = readTlvStream(input).filter(({ type }) => READ.has(type));
  must(
    Buffer.compare(encodeFinalPayload(decoded), writeTlvStream(read)) === 0,
    'the payload, encoded again, is the records that were read',
  );
  return paymentData ? 'decoded with payment data' : 'decoded';
}

function run(input: Uint8Array): string {
  let decoded: FinalPayload;
  try {
    decoded = decodeFinalPayload(input);
  } catch (error) {
    const outcome = refusal(error);
    const { code, tlvType, offset } = error as DecodeError;
    must(code === 'invalid_onion_payload', 'the code is invalid_onion_payload');
    must(tlvType !== undefined && offset !== undefined, 'type and offset are told');
    must(offset <= input.length, 'the offset lies in the payload');
    return outcome;
  }
  return checkPayload(input, decoded);
}

export const finalPayload: Target = {
  name: 'payload',
  promise: 'decodeFinalPayload: refuses with type and offset, or the payload encodes to the same records',
  maxBytes: 1_400,
  maxMs: 20,
  open: (): LiveTarget => ({ seeds: PAYLOAD_SEEDS, run, mutate: mutateTlv }),
};
