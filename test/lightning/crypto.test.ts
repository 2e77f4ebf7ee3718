import { createCipheriv, createHmac } from 'node:crypto';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  chacha20Stream,
  chacha20Xor,
  curveName,
  ecdh,
  HmacKey,
  hmacSha256,
  isValidPrivateKey,
  isValidPublicKey,
  multiplyPrivateKey,
  multiplyPublicKey,
  publicKeyOf,
  recoverPublicKey,
  sha256,
  signRecoverable,
  verify,
} from '../../src/lightning/crypto.ts';
import type { Curve } from '../../src/lightning/curve.ts';
import { loadNativeCurve } from '../../src/lightning/nativeCurve.ts';
import { createNobleCurve } from '../../src/lightning/nobleCurve.ts';
import { anyBytes, bytes32, privateKey } from './arbitraries.ts';
import { bytes, golden, hex } from './vectors.ts';

const ORDER = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
const runs = { numRuns: 30 };
const noble = createNobleCurve();
const native = loadNativeCurve();

/** Both curves' answers to one question. */
function both<T>(ask: (curve: Curve) => T): [T, T] {
  return [ask(native!), ask(noble)];
}

describe('native and noble secp256k1 agree', () => {
  it('the native addon is in use where its binary fits this machine', () => {
    expect(native?.name).toBe('native');
    expect(curveName()).toBe('native');
  });

  it('on public keys, shared secrets, products and signatures', () => {
    fc.assert(
      fc.property(privateKey, privateKey, bytes32, (key, other, digest) => {
        const point = publicKeyOf(other);
        for (const [a, b] of [
          both((curve) => curve.publicKeyOf(key)),
          both((curve) => curve.ecdh(key, point)),
          both((curve) => curve.multiplyPublicKey(point, key)),
          both((curve) => curve.multiplyPrivateKey(other, key)),
        ]) {
          expect(a).toBeDefined();
          expect(hex(a!)).toBe(hex(b!));
        }
        const [a, b] = both((curve) => curve.sign(digest, key)!);
        expect([hex(a.signature), a.recoveryId]).toEqual([hex(b.signature), b.recoveryId]);
        for (const recovered of both((curve) => curve.recover(a.signature, a.recoveryId, digest)!)) {
          expect(hex(recovered)).toBe(hex(publicKeyOf(key)));
        }
        expect(both((curve) => curve.verify(a.signature, digest, publicKeyOf(key)))).toEqual([true, true]);
        expect(both((curve) => curve.verify(a.signature, digest, point))).toEqual(
          hex(point) === hex(publicKeyOf(key)) ? [true, true] : [false, false],
        );
      }),
      runs,
    );
  });

  it('on which bytes are keys, points and signatures at all', () => {
    const point = fc.tuple(fc.constantFrom(2, 3), bytes32).map(([parity, x]) => Uint8Array.of(parity, ...x));
    fc.assert(
      fc.property(point, anyBytes(64), fc.nat({ max: 3 }), bytes32, (key, signature, id, digest) => {
        const scalar = bytes(golden.identity[0]!.identityKey);
        const [a, b] = both((curve) => curve.isValidPublicKey(key));
        expect(a).toBe(b);
        expect(both((curve) => curve.ecdh(scalar, key) !== undefined)).toEqual([a, a]);
        const [c, d] = both((curve) => curve.recover(signature, id, digest));
        expect(c && hex(c)).toBe(d && hex(d));
        expect(both((curve) => curve.verify(signature, digest, key))).toEqual([false, false]);
      }),
      runs,
    );
  });

  it('refuses 0 and n, takes 1 and n-1', () => {
    const cases: [string, boolean][] = [
      ['00'.repeat(32), false],
      [`${'00'.repeat(31)}01`, true],
      [ORDER, false],
      [`${ORDER.slice(0, -2)}40`, true],
      [`${ORDER.slice(0, -2)}42`, false],
      ['ff'.repeat(32), false],
    ];
    for (const [key, valid] of cases) {
      expect(isValidPrivateKey(bytes(key))).toBe(valid);
      expect(both((curve) => curve.isValidPrivateKey(bytes(key)))).toEqual([valid, valid]);
      expect(both((curve) => curve.publicKeyOf(bytes(key)) !== undefined)).toEqual([valid, valid]);
    }
    expect(isValidPrivateKey(new Uint8Array(31).fill(1))).toBe(false);
  });
});

describe('curve operations', () => {
  it.each(golden.identity)('golden identity $id: public key and ECDH', (vector) => {
    const key = bytes(vector.identityKey);
    expect(hex(publicKeyOf(key))).toBe(vector.pubkey);
    expect(hex(ecdh(key, bytes(vector.ephemeral)))).toBe(vector.ecdh);
  });

  it('a bad point is a DecodeError, a bad private key of our own a RangeError', () => {
    const key = new Uint8Array(32).fill(1);
    const badPoints = [new Uint8Array(33), new Uint8Array(0), publicKeyOf(key).subarray(1)];
    for (const point of [...badPoints, Uint8Array.of(4, ...new Uint8Array(64))]) {
      expect(() => ecdh(key, point)).toThrow(expect.objectContaining({ code: 'invalid_public_key' }));
      expect(() => multiplyPublicKey(point, key)).toThrow(
        expect.objectContaining({ code: 'invalid_public_key' }),
      );
      expect(isValidPublicKey(point)).toBe(false);
    }
    expect(() => publicKeyOf(new Uint8Array(32))).toThrow(RangeError);
    expect(() => signRecoverable(key, new Uint8Array(32))).toThrow(RangeError);
    expect(() => multiplyPrivateKey(key, new Uint8Array(32))).toThrow(RangeError);
  });

  it('verifies only low-S signatures, recovers from both', () => {
    const key = new Uint8Array(32).fill(7);
    const digest = sha256(Uint8Array.of(1));
    const { signature, recoveryId } = signRecoverable(digest, key);
    const s = BigInt(`0x${hex(signature.subarray(32))}`);
    const high = Uint8Array.from(signature);
    high.set(bytes((BigInt(`0x${ORDER}`) - s).toString(16).padStart(64, '0')), 32);
    expect(verify(signature, digest, publicKeyOf(key))).toBe(true);
    expect(verify(high, digest, publicKeyOf(key))).toBe(false);
    expect(hex(recoverPublicKey(high, recoveryId ^ 1, digest)!)).toBe(hex(publicKeyOf(key)));
    expect(recoverPublicKey(signature, 4, digest)).toBeUndefined();
    expect(recoverPublicKey(new Uint8Array(64), 0, digest)).toBeUndefined();
  });
});

describe('hashes and the stream cipher', () => {
  it('HMAC-SHA256 equals noble and OpenSSL for keys and messages of any length', () => {
    fc.assert(
      fc.property(anyBytes(0, 130), fc.array(anyBytes(0, 1500), { maxLength: 3 }), (key, parts) => {
        const message = Buffer.concat(parts);
        const expected = createHmac('sha256', key).update(message).digest('hex');
        expect(hex(hmacSha256(key, ...parts))).toBe(expected);
        expect(hex(new HmacKey(key).mac(message))).toBe(expected);
        expect(hex(hmac(nobleSha256, key, message))).toBe(expected);
      }),
    );
  });

  it('a fixed HMAC key gives the same MAC again: its state is not used up', () => {
    const key = new HmacKey(Buffer.from('rho'));
    expect(hex(key.mac(Uint8Array.of(1)))).toBe(hex(key.mac(Uint8Array.of(1))));
  });

  it('SHA256 equals noble', () => {
    fc.assert(
      fc.property(anyBytes(0, 300), (data) => {
        expect(hex(sha256(data))).toBe(hex(nobleSha256(data)));
      }),
    );
  });

  it('ChaCha20 equals OpenSSL at any length, wherever the arrays lie in their buffers', () => {
    fc.assert(
      fc.property(bytes32, anyBytes(0, 300), fc.nat({ max: 7 }), (key, data, shift) => {
        const expected = createCipheriv('chacha20', key, Buffer.alloc(16)).update(data).toString('hex');
        const moved = new Uint8Array(40 + shift).subarray(shift, shift + 32);
        moved.set(key);
        expect(hex(chacha20Xor(moved, Uint8Array.from(data)))).toBe(expected);
        const zeros = createCipheriv('chacha20', key, Buffer.alloc(16)).update(Buffer.alloc(data.length));
        expect(hex(chacha20Stream(key, data.length))).toBe(zeros.toString('hex'));
      }),
    );
  });
});

it('leaves a private key in a Buffer as it was', () => {
  const key = Buffer.alloc(32, 0x41);
  multiplyPrivateKey(key, new Uint8Array(32).fill(3));
  expect(key.equals(Buffer.alloc(32, 0x41))).toBe(true);
});
