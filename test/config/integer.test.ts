import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInteger } from '../../src/daemon/config/integer.ts';
import { GOOD, good } from './harness.ts';

describe('a whole number, as the YAML of the Go program has it', () => {
  it.each([
    ['0', 0],
    ['40', 40],
    ['+40', 40],
    ['-40', -40],
    ['1_000', 1_000],
    ['0x28', 40],
    ['-0X28', -40],
    ['050', 40],
    ['0o50', 40],
    ['0b10_1000', 40],
    ['08', 8],
    ['4e1', 40],
    ['4.0E+1', 40],
    ['40.', 40],
  ])('%s', (text, value) => {
    expect(parseInteger(text)).toBe(value);
  });

  it.each(['', '-', 'x', '1.5', '0x', '0xg', '1e99', '9'.repeat(19), '4 0', '--4', '.inf', 'NaN', '_'])(
    'not %s',
    (text) => {
      expect(parseInteger(text)).toBeNaN();
    },
  );

  it('of any text is exact or nothing', () => {
    const near = fc.string({ unit: fc.constantFrom(...'0123456789abxoeE_.+-'), maxLength: 30 });
    fc.assert(
      fc.property(near, (text) => {
        const value = parseInteger(text);
        expect(Number.isNaN(value) || Number.isSafeInteger(value)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is taken for counts and for durations in nanoseconds', () => {
    const { config } = good(`${GOOD}db: {poolSize: 0x10, idleTimeout: 6e10}\nholdTimeout: 90_000_000_000\n`);
    expect(config.db).toMatchObject({ poolSize: 16, idleTimeoutMs: 60_000 });
    expect(config.acceptance.holdTimeoutMs).toBe(90_000);
  });
});
