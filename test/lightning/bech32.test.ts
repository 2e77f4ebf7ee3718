import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBech32, encodeBech32 } from '../../src/lightning/bech32.ts';

describe('bech32', () => {
  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ min: 0, max: 31, maxLength: 200 }), (words) => {
        expect(decodeBech32(encodeBech32('lnbc', words))).toEqual({ prefix: 'lnbc', words });
      }),
    );
  });
});
