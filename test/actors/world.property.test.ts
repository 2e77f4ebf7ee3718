import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HASHES, type Step, World } from './world.ts';

const node = fc.nat(1);
const hash = fc.nat(HASHES - 1);
const fate = fc.constantFrom(
  'fail' as const,
  'ambiguousCommitted' as const,
  'ambiguousLost' as const,
  'hang' as const,
  'throw' as const,
);
const just = <T extends string>(name: T) => fc.constant(name);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: just('offer'), hash, node, share: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ do: just('settle'), hash, old: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: just('cancel'), hash, old: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: just('process'), node, times: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ do: just('flap'), node, times: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ do: just('disconnect'), node }) },
  { weight: 3, arbitrary: fc.record({ do: just('connect'), node }) },
  { weight: 1, arbitrary: fc.record({ do: just('unsync'), node }) },
  { weight: 1, arbitrary: fc.record({ do: just('giveBack'), node }) },
  { weight: 1, arbitrary: fc.record({ do: just('mine'), blocks: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: just('wait'), ms: fc.constantFrom(60, 1_000, 21_000, 41_000) }) },
  { weight: 2, arbitrary: fc.record({ do: just('fate'), of: just('decide'), fate }) },
  { weight: 1, arbitrary: fc.record({ do: just('fate'), of: just('finalise'), fate }) },
  { weight: 1, arbitrary: fc.record({ do: just('resume') }) },
  { weight: 1, arbitrary: fc.record({ do: just('restart'), written: fc.boolean() }) },
);

describe('the supervisor in a hostile world', () => {
  const seen: Record<string, number> = {};

  it('keeps every promise, and comes to rest once the faults are over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: 'max' }), async (steps) => {
        const world = new World();
        await world.start();
        for (const each of steps) await world.run(each);
        await world.heal();
        world.checkEnd();
        for (const [what, count] of Object.entries(world.counts)) seen[what] = (seen[what] ?? 0) + count;
      }),
      { numRuns: Number(process.env.LNMUX_WORLD_RUNS ?? 100) },
    );
  });

  it('went through everything that it should have', () => {
    for (const what of ['settle', 'fail', 'restart', 'given back', 'SETTLED', 'cancel canceled']) {
      expect(seen[what], what).toBeGreaterThan(0);
    }
    expect(seen['settle requested']).toBeGreaterThan(0);
  });
});
