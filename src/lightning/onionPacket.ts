import { sha256 } from './hmac.ts';

/** Layout of an onion packet (BOLT 4): version, ephemeral key, hop payloads, HMAC. */
export const ONION_BYTES = 1366;
export const HOP_PAYLOADS_BYTES = 1300;
export const HOP_PAYLOADS_OFFSET = 34;
export const ONION_HMAC_BYTES = 32;

/** The factor from one hop's ephemeral key to the next one's (BOLT 4). */
export function blindingFactor(ephemeralKey: Uint8Array, sharedSecret: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(65);
  bytes.set(ephemeralKey);
  bytes.set(sharedSecret, 33);
  return sha256(bytes);
}
