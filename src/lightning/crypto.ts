import type { Curve, RecoverableSignature } from './curve.ts';
import { DecodeError } from './errors.ts';
import { loadNativeCurve } from './nativeCurve.ts';
import { createNobleCurve } from './nobleCurve.ts';

export { chacha20Stream, chacha20Xor } from './chacha20.ts';
export type { RecoverableSignature } from './curve.ts';
export { HmacKey, hmacSha256, sha256 } from './hmac.ts';

let selected: Curve | undefined;

/** The curve in use: the native addon where it loads, else noble. Chosen at first use. */
function curve(): Curve {
  selected ??= loadNativeCurve() ?? createNobleCurve();
  return selected;
}

/** Which implementation of secp256k1 this process uses. */
export function curveName(): Curve['name'] {
  return curve().name;
}

/** Whether these are 32 bytes of a number from 1 to n-1. */
export function isValidPrivateKey(bytes: Uint8Array): boolean {
  return bytes.length === 32 && curve().isValidPrivateKey(bytes);
}

/** Whether these are 33 bytes of a compressed point on the curve. */
export function isValidPublicKey(bytes: Uint8Array): boolean {
  return isCompressed(bytes) && curve().isValidPublicKey(bytes);
}

/** The compressed public key, 33 bytes. Throws RangeError on a private key of 0 or ≥ n. */
export function publicKeyOf(privateKey: Uint8Array): Uint8Array {
  return required(privateKey.length === 32 ? curve().publicKeyOf(privateKey) : undefined, 'private key');
}

/**
 * SHA256 of the compressed product point, 32 bytes (BOLT 4, shared secret).
 * Throws DecodeError invalid_public_key when the public key is not a point, for it comes from outside.
 */
export function ecdh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const secret = isCompressed(publicKey) ? curve().ecdh(privateKey, publicKey) : undefined;
  if (!secret) throw new DecodeError('invalid_public_key', 'not a point of secp256k1');
  return secret;
}

/** ECDSA over a 32-byte digest: deterministic nonce (RFC 6979), low S. */
export function signRecoverable(digest: Uint8Array, privateKey: Uint8Array): RecoverableSignature {
  return required(curve().sign(digest, privateKey), 'digest or private key');
}

/** Whether a 64-byte signature with low S over the 32-byte digest is the public key's. */
export function verify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean {
  return signature.length === 64 && isCompressed(publicKey) && curve().verify(signature, digest, publicKey);
}

/** The public key that made a signature, high S allowed; undefined when there is none. */
export function recoverPublicKey(
  signature: Uint8Array,
  recoveryId: number,
  digest: Uint8Array,
): Uint8Array | undefined {
  if (signature.length !== 64 || !(recoveryId >= 0 && recoveryId <= 3)) return undefined;
  return curve().recover(signature, recoveryId, digest);
}

/** The point times the scalar, compressed. Throws DecodeError invalid_public_key when either is invalid. */
export function multiplyPublicKey(publicKey: Uint8Array, scalar: Uint8Array): Uint8Array {
  const product = isCompressed(publicKey) ? curve().multiplyPublicKey(publicKey, scalar) : undefined;
  if (!product) throw new DecodeError('invalid_public_key', 'not a point of secp256k1');
  return product;
}

/** The private key times the scalar, mod n. Throws RangeError when either is 0 or ≥ n. */
export function multiplyPrivateKey(privateKey: Uint8Array, scalar: Uint8Array): Uint8Array {
  return required(curve().multiplyPrivateKey(privateKey, scalar), 'private key');
}

function isCompressed(publicKey: Uint8Array): boolean {
  return publicKey.length === 33 && (publicKey[0] === 2 || publicKey[0] === 3);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`invalid ${what}`);
  return value;
}
