import { DecodeError } from '../../../src/lightning/errors.ts';
import { decodePaymentAddr, encodePaymentAddr } from '../../../src/lightning/paymentAddr.ts';
import { bytes, golden } from '../../../test/lightning/vectors.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { refusal } from './tlvStream.ts';

function run(input: Uint8Array): string {
  try {
    const { expiresAt, amountMsat } = decodePaymentAddr(input);
    must(input.length === 32, 'only 32 bytes are taken');
    if (expiresAt !== undefined) {
      must(!Number.isNaN(new Date(expiresAt * 1000).getTime()), 'an expiry is a date');
    }
    if (expiresAt === undefined || amountMsat === undefined) return 'terms out of range';
    const again = encodePaymentAddr({ random16: input.subarray(0, 16), expiresAt, amountMsat });
    must(Buffer.compare(again, input) === 0, 'what was read is written the same');
    return 'decoded';
  } catch (error) {
    if (error instanceof DecodeError) must(input.length !== 32, 'any 32 bytes are taken');
    return refusal(error);
  }
}

export const paymentAddr: Target = {
  name: 'paymentAddr',
  promise: 'decodePaymentAddr: takes any 32 bytes, and terms in range encode to the same',
  maxBytes: 40,
  maxMs: 20,
  open: (): LiveTarget => ({ seeds: golden.stateless.map((vector) => bytes(vector.paymentAddr)), run }),
};
