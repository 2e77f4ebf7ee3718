/**
 * The secp256k1 operations that Lightning needs. Keys are 32 bytes private and 33 bytes compressed public.
 * Functions given a bad key or point return undefined; they never throw on bytes of the right length.
 */
export interface Curve {
  readonly name: 'native' | 'noble';
  isValidPrivateKey(privateKey: Uint8Array): boolean;
  isValidPublicKey(publicKey: Uint8Array): boolean;
  publicKeyOf(privateKey: Uint8Array): Uint8Array | undefined;
  /** SHA256 of the compressed product point (BOLT 4, shared secret). */
  ecdh(privateKey: Uint8Array, publicKey: Uint8Array): Uint8Array | undefined;
  /** RFC 6979 nonce, low S. */
  sign(digest: Uint8Array, privateKey: Uint8Array): RecoverableSignature | undefined;
  /** Low-S signatures only. */
  verify(signature: Uint8Array, digest: Uint8Array, publicKey: Uint8Array): boolean;
  recover(signature: Uint8Array, recoveryId: number, digest: Uint8Array): Uint8Array | undefined;
  multiplyPublicKey(publicKey: Uint8Array, scalar: Uint8Array): Uint8Array | undefined;
  multiplyPrivateKey(privateKey: Uint8Array, scalar: Uint8Array): Uint8Array | undefined;
}

/** An ECDSA signature r ‖ s (64 bytes) with the id, 0 to 3, that tells which public key made it. */
export interface RecoverableSignature {
  readonly signature: Uint8Array;
  readonly recoveryId: number;
}

/** The value computed, or undefined when the library throws: it does for any bad key or point. */
export function attempt<T>(compute: () => T): T | undefined {
  try {
    return compute();
  } catch {
    return undefined;
  }
}
