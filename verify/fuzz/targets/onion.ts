import type { PeelResult } from '../../../src/actors/ports/onionPeeler.ts';
import { PeelBatch } from '../../../src/adapters/crypto/peelBatch.ts';
import { createPeelOne } from '../../../src/adapters/crypto/peelOne.ts';
import { chacha20Xor, ecdh, hmacSha256, publicKeyOf } from '../../../src/lightning/crypto.ts';
import { invalidOnionPayload, parseFailureMessage } from '../../../src/lightning/failureMessage.ts';
import { decryptFailure, encodeFailure } from '../../../src/lightning/failureOnion.ts';
import { peelForwardingOnion } from '../../../src/lightning/onion.ts';
import { onionKey } from '../../../src/lightning/onionKeys.ts';
import { concat, writeBigSize } from '../../../src/lightning/tlv.ts';
import { bytes, golden, identityKey } from '../../../test/lightning/vectors.ts';
import { mutateBytes } from '../engine/bytes.ts';
import type { Random } from '../engine/random.ts';
import { type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';
import { mutateTlv } from '../engine/tlv.ts';
import { checkPayload } from './finalPayload.ts';
import { PAYLOAD_SEEDS, refusal } from './tlvStream.ts';

/** First byte of an input: what the rest is. */
const RAW = 0;
const PLAINTEXT = 1;

const key = identityKey('K1');
const paymentHash = bytes(golden.onion.assocData);
const session = new Uint8Array(32).fill(0x41);
const secret = ecdh(session, publicKeyOf(key));
const [rho, mu, ephemeral] = [onionKey('rho', secret), onionKey('mu', secret), publicKeyOf(session)];

/** The onion that an input stands for: the bytes themselves, or a packet with a right HMAC over any plaintext. */
export function onionOf(input: Uint8Array): Uint8Array {
  if (input[0] !== PLAINTEXT) return input.subarray(1);
  const onion = new Uint8Array(1366);
  const payloads = onion.subarray(34, 1334);
  onion.set(ephemeral, 1);
  payloads.set(input.subarray(1, 1301));
  chacha20Xor(rho, payloads);
  onion.set(hmacSha256(mu, payloads, paymentHash), 1334);
  return onion;
}

const peelOne = createPeelOne(key);
const batch = new PeelBatch();

/** The worker's way of carrying request and result must not change them. */
function throughBatch(onionBlob: Uint8Array, direct: PeelResult): void {
  batch.writeRequest(3, { onionBlob, paymentHash });
  const result = peelOne(batch.readRequest(3));
  batch.writeResult(3, result);
  mustEqual(batch.readResult(3), direct, 'the worker says the same as the direct call');
}

/** A payload that is refused is answered with an encrypted failure that the sender can read. */
function checkFailure(result: PeelResult): string {
  if (result.ok) return 'decoded';
  const { code, tlvType = 0n, offset = 0 } = result.error;
  must((result.sharedSecret !== undefined) === (code === 'invalid_onion_payload'), 'authentic or not');
  if (!result.sharedSecret) return `refused: ${code}`;
  const reason = encodeFailure(result.sharedSecret, invalidOnionPayload(tlvType, offset));
  must(reason.length === 292, 'a failure onion has 292 bytes');
  const message = decryptFailure([result.sharedSecret], reason)?.message ?? new Uint8Array();
  const read = parseFailureMessage(message);
  mustEqual(
    [read.name, read.tlvType, read.offset],
    ['invalid_onion_payload', tlvType, offset],
    'is read back',
  );
  return `refused: ${code}, type ${tlvType < 20n ? tlvType : 'other'}`;
}

/** The forwarding way of peeling agrees with ours. */
function checkForwarding(onionBlob: Uint8Array, result: PeelResult): void {
  try {
    const forwarded = peelForwardingOnion({ privateKey: key, onionBlob, paymentHash });
    must(result.ok || result.error.code === 'invalid_onion_payload', 'both ways open the onion');
    if (!result.ok) return;
    must(forwarded.nextOnion === undefined, 'a final payload has no next onion');
    checkPayload(forwarded.payload, result.payload);
  } catch (error) {
    refusal(error);
    must(!result.ok, 'both ways refuse the onion');
  }
}

function run(input: Uint8Array): string {
  const onionBlob = onionOf(input);
  const result = peelOne({ onionBlob, paymentHash });
  checkForwarding(onionBlob, result);
  throughBatch(onionBlob, result);
  return checkFailure(result);
}

/** Payload with its length in front; now and then with another length. */
function framed(payload: Uint8Array, random?: Random): Uint8Array {
  const length = random?.oneIn(8) ? random.u32() % (random.oneIn(2) ? 1_400 : 2 ** 32) : payload.length;
  return concat([Uint8Array.of(PLAINTEXT), writeBigSize(BigInt(length)), payload]);
}

function mutate(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  if (input[0] !== PLAINTEXT) {
    const changed = mutateBytes(input.subarray(1), random, other);
    return concat([Uint8Array.of(RAW), changed.length > 1366 ? changed.subarray(0, 1366) : changed]);
  }
  if (random.oneIn(4))
    return concat([Uint8Array.of(PLAINTEXT), mutateBytes(input.subarray(1), random, other)]);
  const start = (input[1] ?? 0) < 0xfd ? 2 : 4;
  const end = Math.min(input.length, start + 300);
  const changed = framed(mutateTlv(input.subarray(start, end), random, random.pick(PAYLOAD_SEEDS)), random);
  // What follows the payload is the next HMAC: not zero says that this is not the last hop.
  return random.oneIn(10) ? concat([changed, random.bytes(1 + random.below(40))]) : changed;
}

export const onion: Target = {
  name: 'onion',
  promise:
    'peeling: never throws, both ways and the worker agree, a refused payload is answered so that the sender can read it',
  maxBytes: 1_400,
  maxMs: 50,
  open: (): LiveTarget => ({
    seeds: [
      concat([Uint8Array.of(RAW), bytes(golden.onion.onion)]),
      concat([Uint8Array.of(RAW), onionOf(framed(PAYLOAD_SEEDS[0]!))]),
      ...PAYLOAD_SEEDS.map((payload) => framed(payload)),
      bytes(`${'01'}fd04f1${'00'.repeat(1265)}`),
      bytes('01feffffffff'),
      bytes('01ffffffffffffffffff'),
    ],
    run,
    mutate,
  }),
};
