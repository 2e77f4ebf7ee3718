import { hash } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';

const BLOCK = 64;

/** SHA256, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash('sha256', data, 'buffer');
}

/**
 * HMAC-SHA256 with one fixed key for many short messages: the state after the key block is kept and cloned for
 * each message, which is several times faster here than node:crypto's per-call key set-up.
 */
export class HmacKey {
  readonly #keyed: ReturnType<typeof hmac.create>;

  constructor(key: Uint8Array) {
    this.#keyed = hmac.create(nobleSha256, key);
  }

  /** The 32-byte MAC of the message. */
  mac(message: Uint8Array): Uint8Array {
    return this.#keyed.clone().update(message).digest();
  }
}

// Big enough for the mix header of an onion with its associated data.
let scratch = Buffer.allocUnsafeSlow(2048);
const outer = Buffer.allocUnsafeSlow(BLOCK + 32);

/**
 * HMAC-SHA256 (RFC 2104) over the concatenation of the parts, by two calls of node's one-shot hash: the fastest
 * way here for long messages and ever new keys.
 */
export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const padKey = key.length > BLOCK ? sha256(key) : key;
  let length = BLOCK;
  for (const part of parts) length += part.length;
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length);
  for (let i = 0; i < BLOCK; i++) {
    const byte = padKey[i] ?? 0;
    scratch[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  let offset = BLOCK;
  for (const part of parts) {
    scratch.set(part, offset);
    offset += part.length;
  }
  outer.set(sha256(scratch.subarray(0, length)), BLOCK);
  return sha256(outer);
}
