import { expect, test } from 'vitest';
import { openPostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { final, payment, settle } from './fixtures.ts';

test('events after a cursor come in the order of commits, in pages, as they are by hash', async () => {
  const database = await createTestDatabase();
  const store = await openPostgresStore({ target: database.target, log: silentLog });
  try {
    const lead = await store.acquire('test', 3_600_000);
    if (!lead.acquired) throw new Error('not leader');
    const { epoch } = lead;
    expect(await store.lastEvent()).toBe(0n);
    await store.decide(epoch, [settle('requestAndRelease', payment(2))]);
    const start = await store.lastEvent();
    const p = payment(1);
    await store.decide(epoch, [settle('requestAndRelease', p)]);
    await store.finalise(epoch, [final(p, 0, true)]);
    const all = await store.eventsAfter(start, 100);
    expect(all.map(({ sequence }) => sequence)).toEqual(all.map((_, i) => start + 1n + BigInt(i)));
    expect(all).toEqual(await store.eventsByHash(p.hash));
    expect(await store.eventsByHash(p.hash, 1)).toEqual(all.slice(-1));
    expect(all.length).toBeGreaterThan(1);
    expect(await store.lastEvent()).toBe(all.at(-1)?.sequence);
    expect(await store.eventsAfter(start, 1)).toEqual(all.slice(0, 1));
    expect(await store.eventsAfter(all.at(-1)!.sequence, 100)).toEqual([]);
  } finally {
    await store.close();
    await database.drop();
  }
});
