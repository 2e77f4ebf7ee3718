import { chacha20Stream, chacha20Xor } from './chacha20.ts';
import { ecdh, multiplyPrivateKey, publicKeyOf } from './crypto.ts';
import { hmacSha256 } from './hmac.ts';
import { onionKey } from './onionKeys.ts';
import {
  blindingFactor,
  HOP_PAYLOADS_BYTES,
  HOP_PAYLOADS_OFFSET,
  ONION_BYTES,
  ONION_HMAC_BYTES,
} from './onionPacket.ts';
import { concat, writeBigSize } from './tlv.ts';

/** A node of the route and its TLV payload, without the length prefix. */
export interface OnionHop {
  readonly publicKey: Uint8Array;
  readonly payload: Uint8Array;
}

export interface BuiltOnion {
  readonly onionBlob: Uint8Array;
  /** One per hop, in route order: the sender reads failures with them. */
  readonly sharedSecrets: Uint8Array[];
}

/**
 * The onion that a sender hands to the first hop (BOLT 4, packet construction). Unused space is filled from the
 * `pad` stream of the session key, as lnd does, so the result depends on the arguments only.
 * Throws RangeError when the payloads do not fit and DecodeError when a hop's key is no point.
 */
export function buildOnion(input: {
  readonly sessionKey: Uint8Array;
  readonly paymentHash: Uint8Array;
  readonly hops: readonly OnionHop[];
}): BuiltOnion {
  const { sessionKey, paymentHash, hops } = input;
  const frames = hops.map(({ payload }) => concat([writeBigSize(BigInt(payload.length)), payload]));
  const used = frames.reduce((sum, frame) => sum + frame.length + ONION_HMAC_BYTES, 0);
  if (hops.length === 0 || used > HOP_PAYLOADS_BYTES) throw new RangeError('payloads do not fit the onion');

  const sharedSecrets = deriveSecrets(sessionKey, hops);
  const payloads = chacha20Stream(onionKey('pad', sessionKey), HOP_PAYLOADS_BYTES);
  const filler = buildFiller(frames, sharedSecrets);
  let mac: Uint8Array = new Uint8Array(ONION_HMAC_BYTES);
  for (let i = hops.length - 1; i >= 0; i--) {
    const frame = frames[i]!;
    const secret = sharedSecrets[i]!;
    payloads.copyWithin(frame.length + ONION_HMAC_BYTES, 0);
    payloads.set(frame);
    payloads.set(mac, frame.length);
    chacha20Xor(onionKey('rho', secret), payloads);
    if (i === hops.length - 1) payloads.set(filler, HOP_PAYLOADS_BYTES - filler.length);
    mac = hmacSha256(onionKey('mu', secret), payloads, paymentHash);
  }

  const onionBlob = new Uint8Array(ONION_BYTES);
  onionBlob.set(publicKeyOf(sessionKey), 1);
  onionBlob.set(payloads, HOP_PAYLOADS_OFFSET);
  onionBlob.set(mac, HOP_PAYLOADS_OFFSET + HOP_PAYLOADS_BYTES);
  return { onionBlob, sharedSecrets };
}

function deriveSecrets(sessionKey: Uint8Array, hops: readonly OnionHop[]): Uint8Array[] {
  let ephemeral = sessionKey;
  return hops.map(({ publicKey }) => {
    const secret = ecdh(ephemeral, publicKey);
    ephemeral = multiplyPrivateKey(ephemeral, blindingFactor(publicKeyOf(ephemeral), secret));
    return secret;
  });
}

/** The bytes that the hops before the last append to the packet while they peel it. */
function buildFiller(frames: readonly Uint8Array[], sharedSecrets: readonly Uint8Array[]): Uint8Array {
  let filler: Uint8Array = new Uint8Array(0);
  for (let i = 0; i < frames.length - 1; i++) {
    const size = frames[i]!.length + ONION_HMAC_BYTES;
    const start = HOP_PAYLOADS_BYTES - filler.length;
    filler = concat([filler, new Uint8Array(size)]);
    const stream = chacha20Stream(onionKey('rho', sharedSecrets[i]!), HOP_PAYLOADS_BYTES + size);
    for (let j = 0; j < filler.length; j++) filler[j] = filler[j]! ^ stream[start + j]!;
  }
  return filler;
}
