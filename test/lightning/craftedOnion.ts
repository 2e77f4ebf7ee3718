import { chacha20Xor, ecdh, hmacSha256, publicKeyOf } from '../../src/lightning/crypto.ts';
import { onionKey } from '../../src/lightning/onionKeys.ts';

/**
 * An onion with a right HMAC whose decrypted hop payloads start with the given bytes, length prefix included: what
 * a hostile sender can make. The rest of the plaintext is zero.
 */
export function craftOnion(identityKey: Uint8Array, paymentHash: Uint8Array, start: Uint8Array): Uint8Array {
  const sessionKey = new Uint8Array(32).fill(0x41);
  const secret = ecdh(sessionKey, publicKeyOf(identityKey));
  const onion = new Uint8Array(1366);
  const payloads = onion.subarray(34, 1334);
  onion.set(publicKeyOf(sessionKey), 1);
  payloads.set(start);
  chacha20Xor(onionKey('rho', secret), payloads);
  onion.set(hmacSha256(onionKey('mu', secret), payloads, paymentHash), 1334);
  return onion;
}
