import { describe, expect, it } from 'vitest';
import { mutateBytes } from '../../verify/fuzz/engine/bytes.ts';
import { Coverage } from '../../verify/fuzz/engine/coverage.ts';
import { fuzz, runInput } from '../../verify/fuzz/engine/fuzz.ts';
import { mutateProtobuf } from '../../verify/fuzz/engine/protobuf.ts';
import { Random } from '../../verify/fuzz/engine/random.ts';
import { Broken, must, type Target } from '../../verify/fuzz/engine/target.ts';
import { textMutator } from '../../verify/fuzz/engine/text.ts';
import { mutateTlv } from '../../verify/fuzz/engine/tlv.ts';
import { findingText } from '../../verify/fuzz/report.ts';

/** A target that is what `run` makes of it. */
function targetOf(run: (input: Uint8Array) => string, changes: Partial<Target> = {}): Target {
  const seeds = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)];
  return { name: 'planted', promise: '', maxBytes: 64, maxMs: 50, open: () => ({ seeds, run }), ...changes };
}

describe('the fuzzer', () => {
  it('finds a planted defect, makes the input small and gives a line for the tests', async () => {
    const planted = targetOf((input) => {
      const at = input.indexOf(0xfd);
      must(at < 0 || input[at + 1] !== 0xff, `a defect at ${at}`);
      return at < 0 ? 'none' : 'one';
    });
    const report = await fuzz(planted, { runs: 200_000, seed: 1 });
    expect(Buffer.from(report.finding!.smallest).toString('hex')).toBe('fdff');
    expect(report.finding?.stack).toContain('fuzzEngine.test');
    expect(findingText(report, 1)).toContain("{ target: 'planted', promise: \"Broken: a defect at");
    await expect(runInput(planted, await planted.open(), report.finding!.input)).rejects.toThrow(Broken);
  });

  it('finds an input that takes too long every time, and forgives one that took long once', async () => {
    const spin = (ms: number) => {
      for (const until = performance.now() + ms; performance.now() < until; );
    };
    let slow = 1;
    const once = targetOf(() => {
      if (slow-- > 0) spin(60);
      return 'done';
    });
    expect((await fuzz(once, { runs: 50, seed: 1 })).finding).toBeUndefined();
    const always = targetOf((input) => {
      if (input.length === 0) spin(60);
      return 'done';
    });
    expect((await fuzz(always, { runs: 20_000, seed: 1 })).finding?.message).toContain('more than 50 ms');
  });

  it('gives the same inputs for the same seed, others for another', async () => {
    const inputsOf = async (seed: number) => {
      const inputs: string[] = [];
      const target = targetOf((input) => {
        inputs.push(Buffer.from(input).toString('hex'));
        return `length ${input.length % 5}`;
      });
      await fuzz(target, { runs: 3_000, seed });
      return inputs;
    };
    const first = await inputsOf(7);
    expect(await inputsOf(7)).toEqual(first);
    expect(await inputsOf(8)).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(2_000);
  });

  it('waits for what runs at the same time, and names the input at fault', async () => {
    const run = async (input: Uint8Array) => {
      await new Promise((resolve) => setImmediate(resolve));
      must(input.length !== 3, 'three bytes');
      return 'done';
    };
    const target = { ...targetOf(() => ''), parallel: 8, open: () => ({ seeds: [new Uint8Array(8)], run }) };
    const { finding } = await fuzz(target, { runs: 20_000, seed: 1 });
    expect(finding?.smallest).toHaveLength(3);
  });
});

describe('mutations', () => {
  const mutators = { mutateBytes, mutateTlv, mutateProtobuf, mutateText: textMutator(['a', 'word']) };
  it.each(Object.entries(mutators))('%s leaves its input as it was, and takes any', (_name, mutate) => {
    const random = new Random(1);
    for (let round = 0; round < 3_000; round++) {
      const input = random.bytes(random.below(80));
      const before = input.slice();
      const changed = mutate(input, random, random.bytes(random.below(20)));
      expect(Buffer.compare(input, before)).toBe(0);
      expect(changed).toBeInstanceOf(Uint8Array);
    }
  });

  it('do not change a seed that is a Buffer', () => {
    const seed = Buffer.from('a seed that stays');
    const random = new Random(2);
    for (let round = 0; round < 2_000; round++) mutateBytes(seed, random, seed);
    expect(seed.toString()).toBe('a seed that stays');
  });
});

describe('coverage', () => {
  it('tells source that ran for the first time', () => {
    const coverage = new Coverage('fuzzEngine.test');
    const branch = (value: number) => (value > 10 ? 'large' : value < 0 ? 'negative' : 'small');
    try {
      branch(1);
      const first = coverage.take();
      expect(coverage.isNew(first)).toBe(true);
      coverage.add(first);
      branch(2);
      expect(coverage.isNew(coverage.take())).toBe(false);
      branch(-5);
      expect(coverage.isNew(coverage.take())).toBe(true);
    } finally {
      coverage.close();
    }
  });
});
