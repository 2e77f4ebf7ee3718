import { afterEach, describe, expect, test } from 'vitest';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { Migrator } from '../../src/adapters/postgres/migrate.ts';
import { readMigrations } from '../../src/adapters/postgres/migrationFiles.ts';
import { migrateAsGo } from '../support/goDatabase.ts';
import { GoProgram } from '../support/goProgram.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { fail, final, NODE_A, NODE_B, type Payment, payment, release, settle } from './fixtures.ts';

const LATEST = (await readMigrations()).length;
const databases: TestDatabase[] = [];
const stores: PostgresStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const database of databases.splice(0)) await database.drop();
});

/** A database that the Go program made and that we have taken over and written to. */
async function takenOver() {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  await migrateAsGo(database, 4, 'public');
  const go = new GoProgram(database);
  const old = ours(1);
  await go.requestSettle(old.hash, hex(old.preimage), keysOf(old));
  await new Migrator(database.target).up();
  const store = await openPostgresStore({ target: database.target, log: silentLog });
  stores.push(store);
  const lead = await leadAgain(store);
  const decide = async (...decisions: Parameters<PostgresStore['decide']>[1]) => {
    expect(await store.decide(lead.epoch, decisions)).toMatchObject({
      results: decisions.map(() => ({ outcome: 'committed' })),
    });
  };
  return { database, go, store, decide, old, epoch: lead.epoch, migrator: new Migrator(database.target) };
}

async function leadAgain(store: PostgresStore): Promise<{ readonly epoch: bigint }> {
  const answer = await store.acquire('test', 60_000);
  if (!answer.acquired) throw new Error('not leader');
  return answer;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Two parts, over channels that the Go program can express. */
function ours(number: number): Payment {
  const made = payment(number, 2);
  const members = made.members.map((member, index) => ({
    ...member,
    key: { nodeId: index ? NODE_B : NODE_A, chanId: 770_000n << 40n, htlcId: BigInt(number * 10 + index) },
  }));
  return { ...made, members };
}

const keysOf = (of: Payment) =>
  of.members.map(({ key }) => ({ node: String(key.nodeId), chanId: key.chanId, htlcId: key.htlcId }));

/** `table.column type` in physical order, as `SELECT *` gives them. */
async function columns(database: TestDatabase, table: string): Promise<string[]> {
  const rows = await database.query(
    `SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS text FROM pg_attribute a
      WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [`lnmux.${table}`],
  );
  return rows.map(({ text }) => String(text));
}

const GO_COLUMNS = {
  invoices: [
    'settle_requested_at timestamp with time zone',
    'hash bytea',
    'preimage bytea',
    'amount_msat bigint',
    'sequence_num integer',
    'status invoice_status',
    'finalized_at timestamp with time zone',
  ],
  htlcs: [
    'settle_requested_at timestamp with time zone',
    'hash bytea',
    'chan_id bigint',
    'htlc_id bigint',
    'amount_msat bigint',
    'node bytea',
    'status htlc_status',
    'finalized_at timestamp with time zone',
  ],
  migrations: ['id integer', 'version bigint', 'created_at timestamp with time zone'],
};

describe('back to the Go program', () => {
  test('at once, on the tables as they are: it goes on with our rows, and we with its rows', async () => {
    const { database, go, store, decide, old, epoch } = await takenOver();
    const [settled, open, half] = [ours(2), ours(3), ours(4)];
    await decide(settle('requestAndRelease', settled), settle('requestAndRelease', open));
    await decide(settle('requestAndRelease', half));
    await store.finalise(epoch, [final(settled, 0, true), final(settled, 1, true), final(half, 0, true)]);

    for (const table of ['invoices', 'htlcs', 'migrations'] as const) {
      const expected = GO_COLUMNS[table];
      expect((await columns(database, table)).slice(0, expected.length)).toEqual(expected);
    }
    expect(await go.lookup(settled.hash)).toMatchObject({
      status: 'SETTLED',
      preimage: hex(settled.preimage),
    });
    expect(await go.lookup(open.hash)).toMatchObject({
      status: 'SETTLE_REQUESTED',
      parts: ['30 SETTLE_REQUESTED', '31 SETTLE_REQUESTED'],
    });
    expect(await go.pending(NODE_A)).toEqual(['10', '30']);
    expect(await go.pending(NODE_B)).toEqual(['11', '31', '41']);
    expect(await go.list(0, 10)).toEqual([
      '1 SETTLE_REQUESTED',
      '2 SETTLED',
      '3 SETTLE_REQUESTED',
      '4 SETTLE_REQUESTED',
    ]);
    expect(await go.markFinal(keysOf(half)[1]!, true)).toBe(true);
    expect(await go.markFinal(keysOf(open)[0]!, true)).toBe(false);
    expect(await go.markFinal(keysOf(open)[1]!, true)).toBe(true);
    const later = ours(5);
    await go.requestSettle(later.hash, hex(later.preimage), keysOf(later));
    expect(await go.list(5, 10)).toEqual(['5 SETTLE_REQUESTED']);

    // And forth again.
    const { invoices } = await store.recover(epoch);
    expect(invoices.map((each) => each.paymentHash).sort()).toEqual([old.hash, later.hash].sort());
    expect(await store.finalise(epoch, [final(later, 0, true), final(later, 1, true)])).toMatchObject({
      results: [{ outcome: 'pending' }, { status: 'settled' }],
    });
  });

  test('by migrate down, to its own schema', async () => {
    const { database, go, store, decide, old, epoch, migrator } = await takenOver();
    const [settled, half] = [ours(2), ours(3)];
    await decide(settle('requestAndRelease', settled), settle('requestAndRelease', half));
    await store.finalise(epoch, [final(settled, 0, true), final(settled, 1, true), final(half, 0, false)]);
    await expect(migrator.down()).rejects.toThrow('an lnmuxd is running on this database: stop it first');
    await store.release(epoch);
    for (let version = LATEST; version > 4; version--) {
      expect(await migrator.down()).toEqual({ from: version, to: version - 1 });
    }
    expect(await go.version()).toBe(4);
    for (const table of ['invoices', 'htlcs', 'migrations'] as const) {
      expect(await columns(database, table)).toEqual(GO_COLUMNS[table]);
    }
    expect(await go.lookup(half.hash)).toMatchObject({
      status: 'FAILED',
      parts: ['30 FAILED', '31 SETTLE_REQUESTED'],
    });
    expect(await go.pending(NODE_B)).toEqual(['11', '31']);
    expect(await go.markFinal(keysOf(old)[0]!, true)).toBe(false);
    expect(await go.markFinal(keysOf(old)[1]!, true)).toBe(true);
    expect(await migrator.up()).toEqual({ from: 4, to: LATEST });
    const { invoices } = await store.recover((await leadAgain(store)).epoch);
    expect(invoices.map((each) => each.paymentHash)).toEqual([half.hash]);
  });

  test('not while something is open that its schema can not express', async () => {
    const { decide, store, epoch, migrator } = await takenOver();
    const [waiting, failed] = [ours(2), ours(3)];
    await decide(settle('request', waiting), fail(failed));
    await store.release(epoch);
    const message = (what: string) => `it would forget ${what}: run lnmuxd until they are final`;
    const fails = '2 failed HTLCs that their nodes may still offer';
    await expect(migrator.down()).rejects.toThrow(message(`${fails} and 1 settlements that wait for a node`));
    const lead = await leadAgain(store);
    await store.decide(lead.epoch, [release(waiting)]);
    await store.release(lead.epoch);
    await expect(migrator.down()).rejects.toThrow(message(fails));
    expect(await migrator.version()).toBe(LATEST);
    const again = await leadAgain(store);
    await store.finalise(again.epoch, [final(failed, 0, false), final(failed, 1, false)]);
    await store.release(again.epoch);
    expect(await migrator.down()).toEqual({ from: LATEST, to: LATEST - 1 });
  });
});
