import { DecodeError } from '../../../src/lightning/errors.ts';
import { readTlvStream, writeTlvStream } from '../../../src/lightning/tlv.ts';
import { bytes, golden } from '../../../test/lightning/vectors.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { mutateTlv } from '../engine/tlv.ts';

/** Runs a decoder of src/lightning: gives what it throws as its outcome, unless that is no DecodeError. */
export function refusal(error: unknown): string {
  if (!(error instanceof DecodeError)) throw error;
  const { code, message, tlvType, offset } = error;
  if (offset !== undefined) must(Number.isSafeInteger(offset) && offset >= 0, 'an offset is a whole number');
  if (tlvType !== undefined) must(tlvType >= 0n && tlvType < 1n << 64n, 'a TLV type is a u64');
  return `refused: ${code}, ${message}`;
}

/** Payloads, valid and nearly so: of the vectors, with every record that a payer may send. */
export const PAYLOAD_SEEDS: readonly Uint8Array[] = [
  bytes(golden.onion.payload),
  bytes('0202271004020190'),
  bytes(`02022710040201900822${'ab'.repeat(32)}2710`),
  bytes('02022710040201900608000102030405060708'),
  bytes(`02022710040201900e41${'cd'.repeat(64)}01`),
  bytes('020227100402019010030102030000'),
  bytes('0202271004020190fe0001000002abcd'),
  bytes('0202271004020190ff000000014a1b2c3d05hello'.replace('hello', '68656c6c6f')),
  bytes('0a03010203'),
  new Uint8Array(),
];

function run(input: Uint8Array): string {
  try {
    const records = readTlvStream(input);
    must(Buffer.compare(writeTlvStream(records), input) === 0, 'what was read is written the same');
    return `decoded: ${Math.min(records.length, 8)} records`;
  } catch (error) {
    const outcome = refusal(error);
    const { code, offset } = error as DecodeError;
    must(code === 'invalid_tlv', 'the code is invalid_tlv');
    must(offset !== undefined && offset <= input.length, 'the offset lies in the stream');
    return outcome;
  }
}

export const tlvStream: Target = {
  name: 'tlv',
  promise: 'readTlvStream: refuses with DecodeError, or writeTlvStream gives the same bytes back',
  maxBytes: 1_400,
  maxMs: 20,
  open: (): LiveTarget => ({ seeds: PAYLOAD_SEEDS, run, mutate: mutateTlv }),
};
