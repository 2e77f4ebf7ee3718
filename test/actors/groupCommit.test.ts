import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CommitOutcome, GroupCommit } from '../../src/actors/outbox/groupCommit.ts';
import type { BatchOutcome } from '../../src/actors/ports/decisionStore.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';

type Fate = BatchOutcome<string>['kind'] | 'throws';

/** A writer whose writes end when the test says how. */
function outbox(
  options: { maxBatch?: number; paceMs?: number; gathers?: boolean; retryFailures?: boolean } = {},
) {
  const clock = new SimulatedClock();
  const log = new RecordingLog();
  const batches: (readonly number[])[] = [];
  const told: { item: number; kind: string; result?: unknown }[] = [];
  const open: ((fate: Fate) => void)[] = [];
  let fenced = 0;
  let mostOpen = 0;
  const commit = new GroupCommit<number, string>({
    name: 'test',
    clock,
    log,
    maxBatch: 3,
    paceMs: 0,
    gathers: false,
    retryFailures: false,
    onFenced: () => {
      fenced += 1;
    },
    ...options,
    write: (batch) => {
      batches.push(batch);
      return new Promise((resolve, reject) => {
        open.push((fate) => {
          if (fate === 'throws') reject(new Error('no connection'));
          else if (fate === 'fenced') resolve({ kind: 'fenced' });
          else if (fate === 'acknowledged')
            resolve({ kind: 'acknowledged', results: batch.map((n) => `r${n}`), lastSequence: 1n });
          else resolve({ kind: fate, error: 'why', retryable: true });
        });
        mostOpen = Math.max(mostOpen, open.length);
      });
    },
  });
  const submit = (...items: number[]) => {
    for (const item of items) {
      commit.submit(item, (outcome: CommitOutcome<string>) =>
        told.push({
          item,
          kind: outcome.kind,
          ...(outcome.kind === 'done' ? { result: outcome.result } : {}),
        }),
      );
    }
  };
  const end = async (fate: Fate) => {
    open.shift()?.(fate);
    await turns();
  };
  const seen = () => told.map(({ item, kind }) => `${item} ${kind}`);
  return {
    commit,
    clock,
    log,
    batches,
    told,
    open,
    submit,
    end,
    seen,
    fenced: () => fenced,
    mostOpen: () => mostOpen,
  };
}

describe('group commit', () => {
  it('an idle writer does not wait for company; what comes meanwhile is the next batch', async () => {
    const box = outbox();
    box.submit(1);
    await turns(1);
    expect(box.batches).toEqual([[1]]);
    box.submit(2, 3, 4, 5);
    await turns();
    expect(box.batches).toHaveLength(1);
    await box.end('acknowledged');
    expect(box.batches).toEqual([[1], [2, 3, 4]]);
    await box.end('acknowledged');
    await box.end('acknowledged');
    expect(box.batches).toEqual([[1], [2, 3, 4], [5]]);
    expect(box.told.map(({ item, result }) => [item, result])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [n, `r${n}`]),
    );
    expect(box.commit.depth).toBe(0);
  });

  it('a writer with a pace lets company gather after a batch of several; nothing waits after a batch of one', async () => {
    const box = outbox({ paceMs: 8, maxBatch: 3 });
    box.submit(1);
    await turns();
    await box.end('acknowledged');
    box.submit(2, 3);
    await turns();
    expect(box.batches).toEqual([[1], [2, 3]]);
    await box.end('acknowledged');
    box.submit(4);
    await box.clock.advance(7);
    box.submit(5);
    expect(box.batches).toHaveLength(2);
    await box.clock.advance(1);
    expect(box.batches).toEqual([[1], [2, 3], [4, 5]]);
    // A full batch does not wait, nor does one after a pause.
    box.submit(6, 7, 8);
    await box.end('acknowledged');
    expect(box.batches.at(-1)).toEqual([6, 7, 8]);
    await box.end('acknowledged');
    await box.clock.advance(8);
    box.submit(9);
    await turns();
    expect(box.batches.at(-1)).toEqual([9]);
  });

  it('a writer that gathers lets the first item wait too', async () => {
    const box = outbox({ paceMs: 8, gathers: true });
    box.submit(1);
    await box.clock.advance(7);
    box.submit(2);
    expect(box.batches).toEqual([]);
    await box.clock.advance(1);
    expect(box.batches).toEqual([[1, 2]]);
    box.submit(3);
    await box.end('acknowledged');
    expect(box.batches).toHaveLength(1);
    await box.clock.advance(8);
    expect(box.batches).toEqual([[1, 2], [3]]);
  });

  it('a clock that is set back holds nothing up for longer than the pace', async () => {
    const box = outbox({ paceMs: 8 });
    box.submit(1, 2);
    await turns();
    await box.end('acknowledged');
    box.clock.jump(-3_600_000);
    box.submit(3);
    await box.clock.advance(8);
    expect(box.batches).toEqual([[1, 2], [3]]);
  });

  it('a certain failure is told to the submitters of that batch alone', async () => {
    const box = outbox();
    box.submit(1, 2);
    await turns();
    box.submit(3);
    await box.end('failed');
    await box.end('acknowledged');
    expect(box.seen()).toEqual(['1 failed', '2 failed', '3 done']);
  });

  it('finals are written again until they are', async () => {
    const box = outbox({ retryFailures: true });
    box.submit(1);
    await turns();
    await box.end('failed');
    await box.clock.advance(2_000);
    await box.end('acknowledged');
    expect(box.seen()).toEqual(['1 done']);
    expect(box.batches).toEqual([[1], [1]]);
  });

  it.each<Fate>(['ambiguous', 'throws'])(
    'after an outcome that is not clean (%s) the same batch is submitted until it is, whatever fails then',
    async (unclear) => {
      const box = outbox();
      box.submit(1, 2);
      await turns();
      box.submit(3);
      await box.end(unclear);
      expect(box.seen()).toEqual(['1 ambiguous', '2 ambiguous']);
      for (const fate of ['failed', unclear, 'failed'] as const) {
        await box.clock.advance(2_000);
        await box.end(fate);
      }
      expect(box.told).toHaveLength(2);
      await box.clock.advance(2_000);
      await box.end('acknowledged');
      expect(box.seen()).toEqual(['1 ambiguous', '2 ambiguous', '1 done', '2 done']);
      expect(box.batches.slice(0, 5)).toEqual(Array(5).fill([1, 2]));
      expect(box.batches[5]).toEqual([3]);
    },
  );

  it('fenced: everyone is told, also those who wait, nothing is written any more', async () => {
    const box = outbox();
    box.submit(1, 2, 3, 4);
    await turns();
    await box.end('fenced');
    expect(box.seen()).toEqual(['1 fenced', '2 fenced', '3 fenced', '4 fenced']);
    expect(box.fenced()).toBe(1);
    box.submit(5);
    await turns();
    expect(box.seen().at(-1)).toBe('5 failed');
    expect(box.batches).toHaveLength(1);
    await box.commit.drained();
  });

  it('drained waits for what was submitted, a stopped writer takes nothing', async () => {
    const box = outbox();
    await box.commit.drained();
    box.submit(1, 2, 3, 4);
    let drained = false;
    void box.commit.drained().then(() => {
      drained = true;
    });
    await turns();
    await box.end('acknowledged');
    expect(drained).toBe(false);
    await box.end('acknowledged');
    expect(drained).toBe(true);
    box.commit.stop();
    box.submit(5);
    expect(box.seen().at(-1)).toBe('5 failed');
  });

  it('a stopped writer leaves what is in doubt undecided and ends', async () => {
    const box = outbox();
    box.submit(1);
    await turns();
    const drained = box.commit.drained();
    box.commit.stop();
    await box.end('ambiguous');
    await drained;
    expect(box.seen()).toEqual(['1 ambiguous']);
  });

  it('a callback that throws harms nobody else', async () => {
    const box = outbox();
    box.commit.submit(0, () => {
      throw new Error('defect');
    });
    box.submit(1);
    await turns();
    await box.end('acknowledged');
    expect(box.seen()).toEqual(['1 done']);
    expect(box.log.of('Outbox callback failed')).toHaveLength(1);
  });

  it('property: one write at a time, in order, each item told once for good, and never after a doubt without an acknowledgement', async () => {
    const fates = fc.constantFrom<Fate>('acknowledged', 'acknowledged', 'failed', 'ambiguous', 'throws');
    const steps = fc.array(fc.oneof(fc.nat(4), fates), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (script, retryFailures) => {
        const box = outbox({ retryFailures });
        let next = 0;
        for (const step of script) {
          if (typeof step === 'number') box.submit(...Array.from({ length: step }, () => next++));
          else {
            await box.end(step);
            await box.clock.advance(2_000);
          }
        }
        while (box.commit.depth > 0) {
          await box.clock.advance(2_000);
          await box.end('acknowledged');
        }
        expect(box.mostOpen()).toBeLessThanOrEqual(1);
        const final = box.told.filter(({ kind }) => kind !== 'ambiguous');
        expect(final.map(({ item }) => item)).toEqual([...Array(next).keys()]);
        const doubted = new Set(box.told.filter(({ kind }) => kind === 'ambiguous').map(({ item }) => item));
        for (const { item, kind } of final) {
          if (doubted.has(item) || retryFailures) expect(kind).toBe('done');
        }
        for (const batch of box.batches) expect(batch.length).toBeLessThanOrEqual(3);
      }),
      { numRuns: 60 },
    );
  });
});
