import { chacha20Xor, hmacSha256 } from '../../../src/lightning/crypto.ts';
import {
  badOnion,
  finalIncorrectCltvExpiry,
  finalIncorrectHtlcAmount,
  incorrectOrUnknownPaymentDetails,
  invalidOnionPayload,
  mppTimeout,
  parseFailureMessage,
  temporaryChannelFailure,
} from '../../../src/lightning/failureMessage.ts';
import { decryptFailure, encodeFailure, wrapFailure } from '../../../src/lightning/failureOnion.ts';
import { onionKey } from '../../../src/lightning/onionKeys.ts';
import { concat } from '../../../src/lightning/tlv.ts';
import { bytes, golden } from '../../../test/lightning/vectors.ts';
import { mutateBytes } from '../engine/bytes.ts';
import type { Random } from '../engine/random.ts';
import { type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';
import { refusal } from './tlvStream.ts';

/** First byte of an input: what the rest is. */
const MESSAGE = 0;
const REASON = 1;
const BODY = 2;

const secrets = golden.failures.slice(0, 3).map(({ sharedSecret }) => bytes(sharedSecret));
const keys = secrets.map((secret) => ({ um: onionKey('um', secret), ammag: onionKey('ammag', secret) }));

/** Known messages, written again, start the message that was read. */
function written(read: ReturnType<typeof parseFailureMessage>): Uint8Array | undefined {
  const { code, name, amountMsat, height, cltvExpiry, tlvType, offset, onionHash } = read;
  if (code === 0x400f && amountMsat !== undefined)
    return incorrectOrUnknownPaymentDetails(amountMsat, height!);
  if (code === 0x0013) return finalIncorrectHtlcAmount(amountMsat!);
  if (code === 0x0012) return finalIncorrectCltvExpiry(cltvExpiry!);
  if (code === 0x4016) return invalidOnionPayload(tlvType!, offset!);
  if (name === 'invalid_onion_version' || name === 'invalid_onion_hmac' || name === 'invalid_onion_key') {
    return badOnion(name, onionHash!);
  }
  return undefined;
}

function readMessage(message: Uint8Array): string {
  try {
    const read = parseFailureMessage(message);
    const again = written(read);
    if (again) {
      must(
        Buffer.compare(again, message.subarray(0, again.length)) === 0,
        'what was read is written the same',
      );
    }
    return `message ${read.name}`;
  } catch (error) {
    return refusal(error);
  }
}

/** A failure onion whose HMAC is right and whose lengths are what the sender of it likes. */
function authentic(body: Uint8Array): Uint8Array {
  const { um, ammag } = keys[1]!;
  const packet = concat([hmacSha256(um, body), body]);
  chacha20Xor(ammag, packet);
  return wrapFailure(secrets[0]!, packet);
}

function readReason(reason: Uint8Array): string {
  const copy = Uint8Array.from(reason);
  const failure = decryptFailure(secrets, reason);
  mustEqual(reason, copy, 'the reason is left as it was');
  if (!failure) return 'no failure of any hop';
  must(failure.hop >= 0 && failure.hop < secrets.length, 'the hop is one of the route');
  must(failure.message.length + 36 <= reason.length, 'the message is a part of the packet');
  return `hop ${failure.hop}, ${readMessage(failure.message)}`;
}

function run(input: Uint8Array): string {
  const rest = input.subarray(1);
  if (input[0] === REASON) return readReason(rest);
  if (input[0] === BODY) return readReason(authentic(rest));
  return readMessage(rest);
}

const MESSAGES = [
  incorrectOrUnknownPaymentDetails(10_000n, 800_000),
  mppTimeout(),
  finalIncorrectHtlcAmount(1n),
  finalIncorrectCltvExpiry(800_000),
  invalidOnionPayload(2n ** 40n, 77),
  temporaryChannelFailure(),
  badOnion('invalid_onion_hmac', new Uint8Array(32).fill(1)),
  ...golden.failures.map(({ message }) => bytes(message)),
];

function bodyOf(message: Uint8Array): Uint8Array {
  const padding = 256 - message.length;
  return concat([
    Uint8Array.of(message.length >> 8, message.length & 255),
    message,
    Uint8Array.of(padding >> 8, padding & 255),
    new Uint8Array(padding),
  ]);
}

/** The kind of the input stays most of the time. */
function mutate(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const kind = random.oneIn(10) ? random.below(3) : (input[0] ?? 0);
  return concat([Uint8Array.of(kind), mutateBytes(input.subarray(1), random, other.subarray(1))]);
}

export const failure: Target = {
  name: 'failure',
  promise: 'decryptFailure never throws; parseFailureMessage refuses with DecodeError or is written the same',
  maxBytes: 2_000,
  maxMs: 20,
  open: (): LiveTarget => ({
    seeds: MESSAGES.flatMap((message) => [
      concat([Uint8Array.of(MESSAGE), message]),
      concat([Uint8Array.of(REASON), encodeFailure(secrets[0]!, message)]),
      concat([Uint8Array.of(BODY), bodyOf(message)]),
    ]),
    run,
    mutate,
  }),
};
