import { describe, expect, it } from 'vitest';
import { runInput } from '../../verify/fuzz/engine/fuzz.ts';
import { TARGETS } from '../../verify/fuzz/targets/all.ts';
import { FINDINGS } from './fuzzFindings.ts';

describe('inputs that the fuzzer found', () => {
  it.each(FINDINGS)('$target: $was', async ({ target: name, hex }) => {
    const target = TARGETS.find((each) => each.name === name);
    if (!target) throw new Error(`no target ${name}`);
    const live = await target.open();
    try {
      await expect(runInput(target, live, Buffer.from(hex, 'hex'))).resolves.toBeTypeOf('string');
    } finally {
      await live.close?.();
    }
  });
});
