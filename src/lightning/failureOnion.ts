import { timingSafeEqual } from 'node:crypto';
import { chacha20Xor } from './chacha20.ts';
import { hmacSha256 } from './hmac.ts';
import { onionKey } from './onionKeys.ts';

const HMAC_BYTES = 32;
/** Failure message and padding together, as every node pads it (BOLT 4, returning errors). */
const PADDED_BYTES = 256;
/** Length of every failure onion made here; lnd's interceptor accepts no other. */
export const FAILURE_ONION_BYTES = HMAC_BYTES + 2 + 2 + PADDED_BYTES;

/**
 * The failure onion of the node that shares the secret with the sender: HMAC, message and padding with their
 * lengths, all under the first ammag layer. 292 bytes. Throws RangeError on a message of more than 256 bytes.
 */
export function encodeFailure(sharedSecret: Uint8Array, message: Uint8Array): Uint8Array {
  if (message.length > PADDED_BYTES) throw new RangeError('failure message is too long');
  const packet = new Uint8Array(FAILURE_ONION_BYTES);
  const view = new DataView(packet.buffer);
  view.setUint16(HMAC_BYTES, message.length);
  packet.set(message, HMAC_BYTES + 2);
  view.setUint16(HMAC_BYTES + 2 + message.length, PADDED_BYTES - message.length);
  packet.set(hmacSha256(onionKey('um', sharedSecret), packet.subarray(HMAC_BYTES)));
  return chacha20Xor(onionKey('ammag', sharedSecret), packet);
}

/** The layer that each node on the way back adds. */
export function wrapFailure(sharedSecret: Uint8Array, reason: Uint8Array): Uint8Array {
  return chacha20Xor(onionKey('ammag', sharedSecret), Uint8Array.from(reason));
}

/** Which hop of the route failed (0 is the first), and its message. */
export interface DecryptedFailure {
  readonly hop: number;
  readonly message: Uint8Array;
}

/** Takes the layers off until a hop's HMAC matches; undefined when none does or the lengths are wrong. */
export function decryptFailure(
  sharedSecrets: readonly Uint8Array[],
  reason: Uint8Array,
): DecryptedFailure | undefined {
  if (reason.length < HMAC_BYTES + 4) return undefined;
  const packet = Uint8Array.from(reason);
  const body = packet.subarray(HMAC_BYTES);
  for (const [hop, secret] of sharedSecrets.entries()) {
    chacha20Xor(onionKey('ammag', secret), packet);
    const mac = hmacSha256(onionKey('um', secret), body);
    if (!timingSafeEqual(mac, packet.subarray(0, HMAC_BYTES))) continue;
    const length = new DataView(body.buffer, body.byteOffset).getUint16(0);
    if (2 + length + 2 > body.length) return undefined;
    return { hop, message: body.slice(2, 2 + length) };
  }
  return undefined;
}
