import fc from 'fast-check';
import { isValidPrivateKey } from '../../src/lightning/crypto.ts';

/** Of any length in the range: fast-check by itself would hardly ever go beyond a dozen. */
export const anyBytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength, size: 'max' });

export const bytes32 = anyBytes(32);

export const privateKey = bytes32.filter(isValidPrivateKey);

export const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

export const u32 = fc.nat({ max: 0xffffffff });
