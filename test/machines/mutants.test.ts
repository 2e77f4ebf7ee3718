import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chartsOf, mutants } from './mutants.ts';
import { payments, RUNS, SEED, TIMEOUT_MS } from './world/payments.ts';
import { Violation } from './world/violation.ts';

describe('a mistake in a chart', () => {
  it.each(mutants)('$name → $breaks', { timeout: TIMEOUT_MS }, (mutant) => {
    const result = fc.check(payments(chartsOf(mutant)), { numRuns: RUNS, seed: SEED, endOnFailure: true });
    const error = result.errorInstance;
    if (error !== null && !(error instanceof Violation)) throw error;
    expect(error?.law).toBe(mutant.breaks);
  });
});
