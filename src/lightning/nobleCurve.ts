import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import * as secp from '@noble/secp256k1';
import { attempt, type Curve } from './curve.ts';

/**
 * secp256k1 in plain JavaScript: about forty times slower than the native addon, for platforms where the addon
 * has no binary, and the oracle of the tests.
 */
export function createNobleCurve(): Curve {
  secp.hashes.sha256 = sha256;
  secp.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message);
  return {
    name: 'noble',
    isValidPrivateKey: (key) => secp.utils.isValidSecretKey(key),
    isValidPublicKey: (key) => key.length === 33 && secp.utils.isValidPublicKey(key, true),
    publicKeyOf: (key) => attempt(() => secp.getPublicKey(key, true)),
    ecdh: (privateKey, publicKey) => attempt(() => sha256(secp.getSharedSecret(privateKey, publicKey, true))),
    sign: (digest, privateKey) =>
      attempt(() => {
        const recovered = secp.sign(digest, privateKey, { prehash: false, lowS: true, format: 'recovered' });
        return { signature: recovered.slice(1), recoveryId: recovered[0] ?? 0 };
      }),
    verify: (signature, digest, publicKey) =>
      secp.verify(signature, digest, publicKey, { prehash: false, lowS: true }),
    recover: (signature, recoveryId, digest) =>
      attempt(() => {
        const recovered = new Uint8Array(65);
        recovered[0] = recoveryId;
        recovered.set(signature, 1);
        return secp.recoverPublicKey(recovered, digest, { prehash: false });
      }),
    multiplyPublicKey: (key, scalar) =>
      attempt(() => secp.Point.fromBytes(key).multiply(scalarOf(scalar)).toBytes(true)),
    multiplyPrivateKey: (key, scalar) =>
      attempt(() => toBytes((scalarOf(key) * scalarOf(scalar)) % secp.Point.CURVE().n)),
  };
}

function scalarOf(bytes: Uint8Array): bigint {
  const scalar = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  if (scalar === 0n || scalar >= secp.Point.CURVE().n) throw new RangeError('scalar out of range');
  return scalar;
}

function toBytes(scalar: bigint): Uint8Array {
  return new Uint8Array(Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex'));
}
