import { chacha20Stream, chacha20Xor, ecdh, hmacSha256, publicKeyOf } from '../../src/lightning/crypto.ts';
import { buildOnion } from '../../src/lightning/onion.ts';
import { onionKey } from '../../src/lightning/onionKeys.ts';
import {
  HOP_PAYLOADS_BYTES,
  HOP_PAYLOADS_OFFSET,
  ONION_BYTES,
  ONION_HMAC_BYTES,
} from '../../src/lightning/onionPacket.ts';

/**
 * Onions for the last hop, many of them: with the session key fixed, everything but the payload and the MAC is the
 * same, so that one costs microseconds. The receiver can't tell and does all of its work.
 */
export class OnionTemplate {
  readonly #sessionKey: Uint8Array;
  readonly #publicKey: Uint8Array;
  readonly #base: Uint8Array;
  readonly #rho: Uint8Array;
  readonly #mu: Uint8Array;
  readonly #frameBytes: number;

  /** For payloads of `payloadBytes` (below 253), encrypted to `publicKey`. */
  constructor(sessionKey: Uint8Array, publicKey: Uint8Array, payloadBytes: number) {
    const secret = ecdh(sessionKey, publicKey);
    this.#sessionKey = sessionKey;
    this.#publicKey = publicKey;
    this.#frameBytes = payloadBytes + 1;
    this.#mu = onionKey('mu', secret);
    const rho = onionKey('rho', secret);
    this.#rho = chacha20Stream(rho, HOP_PAYLOADS_BYTES);
    const payloads = chacha20Stream(onionKey('pad', sessionKey), HOP_PAYLOADS_BYTES);
    const head = this.#frameBytes + ONION_HMAC_BYTES;
    payloads.copyWithin(head, 0);
    payloads.fill(0, 0, head);
    chacha20Xor(rho, payloads);
    this.#base = new Uint8Array(ONION_BYTES);
    this.#base.set(publicKeyOf(sessionKey), 1);
    this.#base.set(payloads, HOP_PAYLOADS_OFFSET);
  }

  /** Writes the onion (1366 bytes) for a payload without its length prefix. */
  write(target: Uint8Array, payload: Uint8Array, paymentHash: Uint8Array): void {
    if (payload.length + 1 !== this.#frameBytes) throw new RangeError('payload of another length');
    target.set(this.#base);
    target[HOP_PAYLOADS_OFFSET] = payload.length ^ this.#rho[0]!;
    for (let i = 0; i < payload.length; i++) {
      target[HOP_PAYLOADS_OFFSET + 1 + i] = payload[i]! ^ this.#rho[i + 1]!;
    }
    const macAt = HOP_PAYLOADS_OFFSET + HOP_PAYLOADS_BYTES;
    target.set(hmacSha256(this.#mu, target.subarray(HOP_PAYLOADS_OFFSET, macAt), paymentHash), macAt);
  }

  /** Throws unless the short way gives the very bytes of the long one. */
  check(payload: Uint8Array, paymentHash: Uint8Array): void {
    const mine = new Uint8Array(ONION_BYTES);
    this.write(mine, payload, paymentHash);
    const { onionBlob } = buildOnion({
      sessionKey: this.#sessionKey,
      paymentHash,
      hops: [{ publicKey: this.#publicKey, payload }],
    });
    if (Buffer.compare(mine, onionBlob) !== 0) throw new Error('the onion template is wrong');
  }
}
