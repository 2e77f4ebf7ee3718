import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/daemon/config/duration.ts';

describe('a Go duration', () => {
  it.each([
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['250ms', 250],
    ['2us', 0.002],
    ['2µs', 0.002],
    ['5ns', 0.000005],
    ['-1s', -1_000],
    ['+1s', 1_000],
    ['0', 0],
    ['15000000000', 15_000],
    ['-1', -0.000001],
  ])('%s', (text, millis) => {
    expect(parseDuration(text)).toBeCloseTo(millis, 9);
  });

  it.each(['', 's', '1d', '1 s', '1m 30s', 's1', '1..5s', '--1s', '1e3s', '.s', '0x1s', '9999999999h'])(
    'not %s',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), (millis) => {
        expect(parseDuration(formatDuration(millis))).toBeCloseTo(millis, 2);
      }),
    );
  });

  it('of any text is a finite number or nothing', () => {
    const near = fc.string({ unit: fc.constantFrom(...'0123456789.+-hmsnuµ '), maxLength: 40 });
    fc.assert(
      fc.property(near, (text) => {
        const millis = parseDuration(text);
        if (millis !== undefined) expect(Number.isFinite(millis)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });
});
