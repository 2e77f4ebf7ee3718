import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openPostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { FaultProxy } from '../../verify/chaos/cluster/faultProxy.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { Daemon, killDaemons, writeConfig } from './daemon.ts';

const HASH = 'ab'.repeat(32) as PaymentHash;
const TIMEOUT_MS = 700;

let database: TestDatabase;
let proxy: FaultProxy;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'lnmux-loss-'));
  database = await createTestDatabase();
  const { host, port } = database.target;
  proxy = await FaultProxy.start(() => ({ path: `${host}/.s.PGSQL.${port}` }));
});

beforeEach(() => {
  proxy.fault = { kind: 'none' };
});

afterAll(async () => {
  killDaemons();
  await proxy?.stop();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

const dsn = () =>
  `postgres://${database.target.user}@127.0.0.1:${proxy.port}/${database.target.database}?sslmode=disable`;
const target = () => ({ ...database.target, host: '127.0.0.1', port: proxy.port });

describe('a database that goes away', () => {
  // The error of a lost connection is an event that nobody heard while a query was under way: the process ended.
  test('in the middle of a read: the read fails, the process and later reads do not', async () => {
    const store = await openPostgresStore({ target: target(), log: silentLog, timeoutMs: 5_000 });
    await store.invoicesByHash([HASH]);
    for (const kind of ['cutAnswer', 'cutMiddle', 'cutRequest'] as const) {
      proxy.fault = { kind };
      await expect(store.invoicesByHash([HASH])).rejects.toThrow();
      await expect(store.invoicesByHash([HASH])).resolves.toEqual([]);
    }
    await store.close();
  });

  // Only the renewal of the lease had a limit: a connection that died without a word stopped all look-ups for ever.
  test('without a word: reads and decisions give up in time, and go on once it is back', async () => {
    const store = await openPostgresStore({ target: target(), log: silentLog, timeoutMs: TIMEOUT_MS });
    await store.invoicesByHash([HASH]);
    proxy.fault = { kind: 'hold' };
    const startedAt = performance.now();
    await expect(store.invoicesByHash([HASH])).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(TIMEOUT_MS * 4);
    proxy.fault = { kind: 'none' };
    proxy.cutAll();
    await expect(store.invoicesByHash([HASH])).resolves.toEqual([]);
    await store.close();
  });

  // Nothing but unreferenced timers was left, so node found nothing to wait for and ended with code 13.
  test('under a standby: it stays, and asks for the lead again', async () => {
    await database.query(
      `UPDATE lnmux.leader SET epoch = epoch + 1, owner = 'other', expires_at = now() + interval '1 hour'`,
    );
    const daemon = new Daemon(['-c', writeConfig(dir, { dsn: dsn() }), 'run']);
    await daemon.line('Acquiring lock');
    proxy.fault = { kind: 'refuse' };
    proxy.cutAll();
    const failed = 'leadership: could not acquire the lease';
    await daemon.line(failed, () => true, 2);
    proxy.fault = { kind: 'none' };
    await database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);
    await daemon.line('this process leads');
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  });
});
