export { type BuiltOnion, buildOnion, type OnionHop } from './onionBuilder.ts';

import { timingSafeEqual } from 'node:crypto';
import { chacha20Xor } from './chacha20.ts';
import { ecdh, multiplyPublicKey } from './crypto.ts';
import { DecodeError } from './errors.ts';
import { hmacSha256 } from './hmac.ts';
import { onionKey } from './onionKeys.ts';
import {
  blindingFactor,
  HOP_PAYLOADS_BYTES,
  HOP_PAYLOADS_OFFSET,
  ONION_BYTES,
  ONION_HMAC_BYTES,
} from './onionPacket.ts';
import { type BigSize, readBigSize } from './tlv.ts';

const HMAC_OFFSET = HOP_PAYLOADS_OFFSET + HOP_PAYLOADS_BYTES;

// Three ChaCha20 blocks: enough for any final payload without custom records.
const PREFIX_BYTES = 192;

/** What a hop needs to open an onion: its private key, the packet, and the HTLC's payment hash. */
export interface OnionInput {
  readonly privateKey: Uint8Array;
  readonly onionBlob: Uint8Array;
  readonly paymentHash: Uint8Array;
}

/** An onion whose HMAC is right. Its payload may still be malformed, which the sender can be told (encrypted). */
export interface OpenedOnion {
  /** 32 bytes, not pooled: the key of failure onions. */
  readonly sharedSecret: Uint8Array;
  readonly onionBlob: Uint8Array;
}

/** The payload of one hop, without its length, and whether this hop is the last. */
export interface HopPayload {
  readonly payload: Uint8Array;
  readonly nextHmacIsZero: boolean;
}

export interface PeeledOnion extends HopPayload {
  readonly sharedSecret: Uint8Array;
}

/**
 * Checks version, ephemeral key and HMAC of an onion (BOLT 4, packet forwarding).
 * Throws DecodeError invalid_onion_version, invalid_onion_key (also for a wrong length, as lnd answers) or
 * invalid_onion_hmac.
 */
export function openOnion({ privateKey, onionBlob, paymentHash }: OnionInput): OpenedOnion {
  if (onionBlob.length > 0 && onionBlob[0] !== 0) {
    throw new DecodeError('invalid_onion_version', 'onion version is not 0');
  }
  if (onionBlob.length !== ONION_BYTES) {
    throw new DecodeError('invalid_onion_key', `onion has not ${ONION_BYTES} bytes`);
  }
  const sharedSecret = secretOf(privateKey, onionBlob.subarray(1, HOP_PAYLOADS_OFFSET));
  const payloads = onionBlob.subarray(HOP_PAYLOADS_OFFSET, HMAC_OFFSET);
  const mac = hmacSha256(onionKey('mu', sharedSecret), payloads, paymentHash);
  if (!timingSafeEqual(mac, onionBlob.subarray(HMAC_OFFSET))) {
    throw new DecodeError('invalid_onion_hmac', 'onion HMAC does not match');
  }
  return { sharedSecret, onionBlob };
}

function secretOf(privateKey: Uint8Array, ephemeralKey: Uint8Array): Uint8Array {
  try {
    return ecdh(privateKey, ephemeralKey);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw new DecodeError('invalid_onion_key', 'onion key is not a point');
  }
}

/**
 * Decrypts this hop's payload: a short prefix first, the rest only when the payload is longer than that.
 * Throws DecodeError invalid_onion_payload when it is in the legacy format or does not fit the packet.
 */
export function readHopPayload({ sharedSecret, onionBlob }: OpenedOnion): HopPayload {
  const rho = onionKey('rho', sharedSecret);
  let plain = decryptPayloads(rho, onionBlob, PREFIX_BYTES);
  const end = payloadEnd(plain);
  if (end + ONION_HMAC_BYTES > plain.length) plain = decryptPayloads(rho, onionBlob, HOP_PAYLOADS_BYTES);
  return splitPayload(plain, end);
}

function decryptPayloads(rho: Uint8Array, onionBlob: Uint8Array, length: number): Uint8Array {
  const payloads = new Uint8Array(length);
  payloads.set(onionBlob.subarray(HOP_PAYLOADS_OFFSET, HOP_PAYLOADS_OFFSET + length));
  return chacha20Xor(rho, payloads);
}

/** Offset after the payload, its length prefix included; the bound keeps a hostile length from meaning anything. */
function payloadEnd(plain: Uint8Array): number {
  const length = lengthPrefix(plain);
  if (length.value > BigInt(HOP_PAYLOADS_BYTES - ONION_HMAC_BYTES - length.end)) {
    throw payloadError('hop payload does not fit the onion');
  }
  return length.end + Number(length.value);
}

function lengthPrefix(plain: Uint8Array): BigSize {
  if (plain[0] === 0) throw payloadError('legacy hop payload');
  try {
    return readBigSize(plain, 0);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw payloadError('hop payload length is not the shortest form');
  }
}

function splitPayload(plain: Uint8Array, end: number): HopPayload {
  const start = lengthPrefix(plain).end;
  let nextHmac = 0;
  for (let i = end; i < end + ONION_HMAC_BYTES; i++) nextHmac |= plain[i]!;
  return { payload: plain.subarray(start, end), nextHmacIsZero: nextHmac === 0 };
}

function payloadError(message: string): DecodeError {
  return new DecodeError('invalid_onion_payload', message, { tlvType: 0n, offset: 0 });
}

/**
 * Opens an onion addressed to `identityKey` and decrypts the payload, without the length prefix.
 * Throws DecodeError as openOnion and readHopPayload do.
 */
export function peelOnion(input: {
  readonly identityKey: Uint8Array;
  readonly onionBlob: Uint8Array;
  readonly paymentHash: Uint8Array;
}): PeeledOnion {
  const opened = openOnion({ ...input, privateKey: input.identityKey });
  return { sharedSecret: opened.sharedSecret, ...readHopPayload(opened) };
}

/** What a forwarding node gets out of an onion; no next onion at the last hop. */
export interface ForwardedOnion {
  readonly sharedSecret: Uint8Array;
  readonly payload: Uint8Array;
  readonly nextOnion: Uint8Array | undefined;
}

/** Opens an onion as a forwarding node does. Throws DecodeError as peelOnion does. */
export function peelForwardingOnion(input: OnionInput): ForwardedOnion {
  const { sharedSecret, onionBlob } = openOnion(input);
  // The stream runs on over as many zero bytes as there are payload bytes: what this hop takes from the front
  // is thereby filled up at the end.
  const plain = new Uint8Array(2 * HOP_PAYLOADS_BYTES);
  plain.set(onionBlob.subarray(HOP_PAYLOADS_OFFSET, HMAC_OFFSET));
  chacha20Xor(onionKey('rho', sharedSecret), plain);
  const end = payloadEnd(plain);
  const { payload, nextHmacIsZero } = splitPayload(plain, end);
  if (nextHmacIsZero) return { sharedSecret, payload, nextOnion: undefined };

  const ephemeralKey = onionBlob.subarray(1, HOP_PAYLOADS_OFFSET);
  const nextOnion = new Uint8Array(ONION_BYTES);
  nextOnion.set(multiplyPublicKey(ephemeralKey, blindingFactor(ephemeralKey, sharedSecret)), 1);
  const start = end + ONION_HMAC_BYTES;
  nextOnion.set(plain.subarray(start, start + HOP_PAYLOADS_BYTES), HOP_PAYLOADS_OFFSET);
  nextOnion.set(plain.subarray(end, start), HMAC_OFFSET);
  return { sharedSecret, payload, nextOnion };
}
