import { expect, test } from 'vitest';
import { openPostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { payment, settle } from './fixtures.ts';

test('the hashes of all rows can be read page by page', async () => {
  const database = await createTestDatabase();
  const store = await openPostgresStore({ target: database.target, log: silentLog });
  try {
    const lead = await store.acquire('test', 3_600_000);
    if (!lead.acquired) throw new Error('not leader');
    expect(await store.storedHashes(0n, 3)).toEqual({ hashes: [], last: 0n });
    const payments = Array.from({ length: 7 }, (_, n) => payment(n + 1));
    for (const p of payments) await store.decide(lead.epoch, [settle('request', p)]);
    const found: string[] = [];
    let after = 0n;
    for (const size of [3, 3, 1, 0]) {
      const page = await store.storedHashes(after, 3);
      expect(page.hashes).toHaveLength(size);
      found.push(...page.hashes);
      after = page.last;
    }
    expect(found).toEqual(payments.map((p) => p.hash));
  } finally {
    await store.close();
    await database.drop();
  }
});
