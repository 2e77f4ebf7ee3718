import { createRequire } from 'node:module';
import type * as NativeModule from 'secp256k1';
import { attempt, type Curve } from './curve.ts';

const require = createRequire(import.meta.url);

/**
 * Bitcoin Core's libsecp256k1 through the native addon; undefined where the addon cannot be loaded. The
 * bindings are loaded by name because the package's own entry point falls back to another JavaScript curve.
 */
export function loadNativeCurve(): Curve | undefined {
  let native: typeof NativeModule;
  try {
    native = require('secp256k1/bindings.js');
  } catch {
    return undefined;
  }
  return {
    name: 'native',
    isValidPrivateKey: (key) => native.privateKeyVerify(key),
    isValidPublicKey: (key) => native.publicKeyVerify(key),
    publicKeyOf: (key) => attempt(() => native.publicKeyCreate(key, true)),
    ecdh: (privateKey, publicKey) => attempt(() => native.ecdh(publicKey, privateKey)),
    sign: (digest, privateKey) =>
      attempt(() => {
        const { signature, recid } = native.ecdsaSign(digest, privateKey);
        return { signature, recoveryId: recid };
      }),
    verify: (signature, digest, publicKey) =>
      attempt(() => native.ecdsaVerify(signature, digest, publicKey)) ?? false,
    recover: (signature, recoveryId, digest) =>
      attempt(() => native.ecdsaRecover(signature, recoveryId, digest, true)),
    multiplyPublicKey: (key, scalar) => attempt(() => native.publicKeyTweakMul(key, scalar, true)),
    multiplyPrivateKey: (key, scalar) =>
      attempt(() => native.privateKeyTweakMul(Uint8Array.from(key), scalar)),
  };
}
