import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashFilter } from '../../src/actors/supervisor/hashFilter.ts';
import { StoredHashes } from '../../src/actors/supervisor/storedHashes.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';

const hashOf = (n: number) => createHash('sha256').update(String(n)).digest('hex') as PaymentHash;

describe('the filter of payment hashes', () => {
  it('forgets none, whatever was added in between', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 300 }), (numbers) => {
        const filter = new HashFilter();
        for (const n of numbers) filter.add(hashOf(n));
        expect(numbers.every((n) => filter.mayHave(hashOf(n)))).toBe(true);
        for (const n of numbers) filter.add(hashOf(n));
        expect(filter.size).toBe(numbers.length);
      }),
    );
  });

  it('takes few new hashes for known ones, also after it has grown several times', () => {
    const filter = new HashFilter();
    const added = 300_000;
    for (let n = 0; n < added; n++) filter.add(hashOf(n));
    let wrong = 0;
    for (let n = 0; n < added; n++) if (!filter.mayHave(hashOf(n))) wrong++;
    expect(wrong).toBe(0);
    for (let n = added; n < added + 50_000; n++) if (filter.mayHave(hashOf(n))) wrong++;
    expect(wrong).toBeLessThan(200);
  });
});

/** Pages of rows whose sequence numbers have gaps, as a serial has them after failed statements. */
function storeOf(count: number) {
  const rows = Array.from({ length: count }, (_, n) => ({ hash: hashOf(n), sequence: BigInt(n * 3 + 1) }));
  const store = {
    reads: 0,
    failing: 0,
    async storedHashes(after: bigint, max: number) {
      store.reads += 1;
      if (store.failing > 0) {
        store.failing -= 1;
        throw new Error('connection refused');
      }
      const page = rows.filter((row) => row.sequence > after).slice(0, max);
      return { hashes: page.map((row) => row.hash), last: page.at(-1)?.sequence ?? after };
    },
  };
  return store;
}

describe('stored payment hashes', () => {
  it.each([0, 1, 1_999, 2_000, 4_500])('of %i rows: all may have one, a new one has none', async (count) => {
    const clock = new SimulatedClock();
    const hashes = new StoredHashes({ store: storeOf(count), clock, log: new RecordingLog() });
    expect(hashes.mayHave(hashOf(-1))).toBe(true);
    hashes.load();
    await clock.advance(100);
    expect(Array.from({ length: count }, (_, n) => hashes.mayHave(hashOf(n)))).not.toContain(false);
    expect(hashes.mayHave(hashOf(-1))).toBe(false);
    hashes.note(hashOf(-1));
    expect(hashes.mayHave(hashOf(-1))).toBe(true);
  });

  it('are all taken for possible until the last page is read, also when reading fails in between', async () => {
    const clock = new SimulatedClock();
    const store = storeOf(4_500);
    const hashes = new StoredHashes({ store, clock, log: new RecordingLog() });
    hashes.load();
    await clock.advance(0);
    store.failing = 3;
    await clock.advance(2_500);
    expect(hashes.mayHave(hashOf(-1))).toBe(true);
    await clock.advance(2_000);
    expect(hashes.mayHave(hashOf(-1))).toBe(false);
    expect(hashes.mayHave(hashOf(4_499))).toBe(true);
    expect(store.reads).toBe(6);
  });

  it('are not read any more after the end', async () => {
    const clock = new SimulatedClock();
    const store = storeOf(4_500);
    const hashes = new StoredHashes({ store, clock, log: new RecordingLog() });
    hashes.load();
    hashes.stop();
    await clock.advance(5_000);
    expect([store.reads, clock.pending]).toEqual([1, 0]);
  });
});
