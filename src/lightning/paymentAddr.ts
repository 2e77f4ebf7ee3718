import { MAX_MSAT, type Msat } from '../domain/msat.ts';
import { DecodeError } from './errors.ts';
import { HmacKey, sha256 } from './hmac.ts';

const PAYMENT_ADDR_BYTES = 32;
const RANDOM_BYTES = 16;

/** Latest expiry that a Date can hold, in unix seconds. Anything later is no time an invoice was made for. */
const MAX_EXPIRY_SECS = 8_640_000_000_000;

/** What a payment address of ours states about its invoice. */
export interface PaymentAddrTerms {
  /** Unix seconds. Undefined when it is later than any date. */
  readonly expiresAt: number | undefined;
  /** Undefined when it is nothing, or more than there is bitcoin. */
  readonly amountMsat: Msat | undefined;
}

/**
 * The stateless payment address: 16 random bytes, expiry (u64 BE, unix seconds), amount (u64 BE, msat).
 * Throws RangeError when expiry or amount are out of range or the random part has not 16 bytes.
 */
export function encodePaymentAddr(input: {
  readonly random16: Uint8Array;
  readonly expiresAt: number;
  readonly amountMsat: Msat;
}): Uint8Array {
  const { random16, expiresAt, amountMsat } = input;
  if (random16.length !== RANDOM_BYTES) throw new RangeError('the random part has 16 bytes');
  if (!Number.isSafeInteger(expiresAt) || expiresAt < 0 || expiresAt > MAX_EXPIRY_SECS) {
    throw new RangeError('expiry out of range');
  }
  if (amountMsat <= 0n || amountMsat > MAX_MSAT) throw new RangeError('amount out of range');
  const bytes = new Uint8Array(PAYMENT_ADDR_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(random16);
  view.setBigUint64(16, BigInt(expiresAt));
  view.setBigUint64(24, amountMsat);
  return bytes;
}

/**
 * Terms stated by a payment address. Anybody can make one up: trust them only when the preimage derived from the
 * address hashes to the payment hash. Throws DecodeError invalid_payment_addr unless there are 32 bytes.
 */
export function decodePaymentAddr(bytes: Uint8Array): PaymentAddrTerms {
  if (bytes.length !== PAYMENT_ADDR_BYTES) {
    throw new DecodeError('invalid_payment_addr', 'a payment address has 32 bytes');
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, PAYMENT_ADDR_BYTES);
  const expiresAt = view.getBigUint64(16);
  const amountMsat = view.getBigUint64(24);
  return {
    expiresAt: expiresAt <= BigInt(MAX_EXPIRY_SECS) ? Number(expiresAt) : undefined,
    amountMsat: amountMsat > 0n && amountMsat <= MAX_MSAT ? amountMsat : undefined,
  };
}

/** Derives preimages from payment addresses: HMAC-SHA256 under the identity key. Keeps no copy of the key itself. */
export class PreimageDeriver {
  readonly #key: HmacKey;

  constructor(identityKey: Uint8Array) {
    this.#key = new HmacKey(identityKey);
  }

  /** 32 bytes. Secret until the payment is settled. */
  preimage(paymentAddr: Uint8Array): Uint8Array {
    return this.#key.mac(paymentAddr);
  }

  /** SHA256 of the preimage, 32 bytes. */
  paymentHash(paymentAddr: Uint8Array): Uint8Array {
    return sha256(this.preimage(paymentAddr));
  }
}
