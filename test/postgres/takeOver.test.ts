import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { FinalRecord } from '../../src/actors/ports/decisionStore.ts';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { Migrator } from '../../src/adapters/postgres/migrate.ts';
import { readMigrations } from '../../src/adapters/postgres/migrationFiles.ts';
import type { NodeId, PaymentHash } from '../../src/domain/hash.ts';
import { type EnumSchema, type GoRow, insertAsGo, migrateAsGo } from '../support/goDatabase.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { payment, release, settle } from './fixtures.ts';

const LATEST = (await readMigrations()).length;
const NODE_A = Buffer.from(`02${'aa'.repeat(32)}`, 'hex');
const NODE_B = Buffer.from(`03${'bb'.repeat(32)}`, 'hex');
const databases: TestDatabase[] = [];
const stores: PostgresStore[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const database of databases.splice(0)) await database.drop();
});

async function goDatabase(version: number, rows: readonly GoRow[] = [], enums: EnumSchema = 'lnmux') {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  await migrateAsGo(database, version, enums);
  await insertAsGo(database, version, rows);
  return database;
}

type Status = GoRow['status'];

/** An invoice with parts of 1,000 msat, in turn at node A and node B. */
function row(number: number, status: Status, ...parts: readonly Status[]): GoRow {
  const preimage = createHash('sha256').update(`go ${number}`).digest();
  return {
    preimage,
    hash: createHash('sha256').update(preimage).digest(),
    amountMsat: 1_000n * BigInt(parts.length),
    status,
    parts: parts.map((state, index) => ({
      node: index % 2 ? NODE_B : NODE_A,
      chanId: 770_000n << 40n,
      htlcId: BigInt(number * 10 + index),
      amountMsat: 1_000n,
      status: state,
    })),
  };
}

const OPEN = 'SETTLE_REQUESTED';

/** Every status that a row of the Go program can have, its parts in every way. */
const ROWS = [
  row(1, OPEN, OPEN, OPEN),
  row(2, OPEN, 'SETTLED', OPEN),
  row(3, 'SETTLED', 'SETTLED', 'SETTLED'),
  row(4, 'FAILED', 'FAILED'),
  // Failed at once with its first failed part; the others came later, or have not come yet.
  row(5, 'FAILED', 'FAILED', 'SETTLED'),
  row(6, 'FAILED', 'FAILED', OPEN),
];

const hashOf = ({ hash }: GoRow) => Buffer.from(hash).toString('hex') as PaymentHash;

async function lead(database: TestDatabase) {
  const store = await openPostgresStore({ target: database.target, log: silentLog });
  stores.push(store);
  const answer = await store.acquire('test', 60_000);
  if (!answer.acquired) throw new Error('not leader');
  return { store, epoch: answer.epoch };
}

const finalOf = (of: GoRow, index: number, settled: boolean): FinalRecord => {
  const { node, chanId, htlcId } = of.parts[index]!;
  const nodeId = Buffer.from(node!).toString('hex') as NodeId;
  return {
    key: { nodeId, chanId, htlcId },
    paymentHash: hashOf(of),
    settled,
    offChain: true,
    at: 1_764_000_000_000,
  };
};

async function statuses(database: TestDatabase): Promise<string[]> {
  const rows =
    await database.query(`SELECT concat_ws(' ', i.status, string_agg(h.status::text, ',' ORDER BY h.htlc_id),
    CASE WHEN i.finalized_at IS NULL THEN 'open' END) AS text
    FROM lnmux.invoices i LEFT JOIN lnmux.htlcs h USING (hash) GROUP BY i.hash ORDER BY i.sequence_num`);
  return rows.map(({ text }) => String(text));
}

describe.each<EnumSchema>(['lnmux', 'public'])('a database of version 4, its enums in %s', (enums) => {
  test('is adopted with rows in every status; what is open is known, looked up and finalised', async () => {
    const database = await goDatabase(4, ROWS, enums);
    await expect(openPostgresStore({ target: database.target, log: silentLog })).rejects.toThrow(
      `the database schema is at version 4, this program needs ${LATEST}: run "lnmuxd migrate up"`,
    );
    expect(await new Migrator(database.target).up()).toEqual({ from: 4, to: LATEST });
    const { store, epoch } = await lead(database);
    const { invoices, fails } = await store.recover(epoch);
    expect(fails).toEqual([]);
    const [one, two, , , , six] = ROWS as [GoRow, GoRow, GoRow, GoRow, GoRow, GoRow];
    expect(invoices.map((each) => each.paymentHash).sort()).toEqual([one, two, six].map(hashOf).sort());
    for (const each of invoices)
      expect(each).toMatchObject({ setId: undefined, released: true, status: OPEN });
    const finals = [
      finalOf(one, 0, true),
      finalOf(one, 1, true),
      finalOf(two, 1, false),
      finalOf(six, 1, true),
    ];
    expect(await store.finalise(epoch, finals)).toMatchObject({
      kind: 'acknowledged',
      results: [
        { outcome: 'pending' },
        { outcome: 'invoiceFinal', status: 'settled', settledMsat: 2_000n },
        { outcome: 'invoiceFinal', status: 'failed', settledMsat: 1_000n },
        { outcome: 'invoiceFinal', status: 'failed', settledMsat: 1_000n },
      ],
    });
    expect(await statuses(database)).toEqual([
      'SETTLED SETTLED,SETTLED',
      'FAILED SETTLED,FAILED',
      'SETTLED SETTLED,SETTLED',
      'FAILED FAILED',
      'FAILED FAILED,SETTLED',
      'FAILED FAILED,SETTLED',
    ]);
    const listed = await store.listInvoices({ sequenceStart: 0n, max: 10 });
    expect(listed.map(({ preimage }) => Buffer.from(preimage))).toEqual(ROWS.map(({ preimage }) => preimage));
    expect((await store.recover(epoch)).invoices).toEqual([]);
  });

  test('takes decisions about its rows: the same set is confirmed, another one refused', async () => {
    const p = payment(1, 2);
    const go: GoRow = {
      hash: Buffer.from(p.hash, 'hex'),
      preimage: p.preimage,
      amountMsat: 2_000n,
      status: OPEN,
      parts: p.members.map(({ key, amountMsat }) => ({
        node: Buffer.from(key.nodeId, 'hex'),
        chanId: BigInt.asIntN(64, key.chanId),
        htlcId: key.htlcId,
        amountMsat,
        status: OPEN,
      })),
    };
    const database = await goDatabase(4, [go], enums);
    await new Migrator(database.target).up();
    const { store, epoch } = await lead(database);
    const outcomeOf = async (...decisions: Parameters<PostgresStore['decide']>[1]) => {
      const answer = await store.decide(epoch, decisions);
      return answer.kind === 'acknowledged' ? answer.results.map(({ outcome }) => outcome) : answer.kind;
    };
    expect(await outcomeOf(settle('requestAndRelease', p))).toEqual(['committed']);
    expect(await outcomeOf(release(p, [p.members[0]!]))).toEqual(['refused']);
    expect(await outcomeOf(release(p))).toEqual(['committed']);
  });

  test('can be taken back to version 3', async () => {
    const database = await goDatabase(4, ROWS, enums);
    expect(await new Migrator(database.target).down()).toEqual({ from: 4, to: 3 });
    expect(
      await database.query(`SELECT typname FROM pg_type WHERE typname IN ('invoice_status', 'htlc_status')`),
    ).toEqual([]);
  });
});

describe('older databases', () => {
  test('of version 3, with data, go all the way up', async () => {
    const rows = [row(1, OPEN, OPEN, 'SETTLED'), row(2, 'SETTLED', 'SETTLED'), row(3, OPEN, OPEN)];
    const database = await goDatabase(3, rows);
    // A database that was once repaired by hand.
    await database.query('UPDATE lnmux.invoices SET settled = NULL WHERE hash = $1', [rows[2]?.hash]);
    expect(await new Migrator(database.target).up()).toEqual({ from: 3, to: LATEST });
    expect(await statuses(database)).toEqual([
      'SETTLE_REQUESTED SETTLE_REQUESTED,SETTLED open',
      'SETTLED SETTLED',
      'SETTLE_REQUESTED SETTLE_REQUESTED open',
    ]);
    const { store, epoch } = await lead(database);
    expect((await store.recover(epoch)).invoices).toHaveLength(2);
  });

  test('of version 1 are asked for their node; without HTLCs they need none', async () => {
    const rows = [row(1, OPEN, OPEN), row(2, 'SETTLED', 'SETTLED')];
    const database = await goDatabase(1, rows);
    const migrator = new Migrator(database.target);
    await expect(migrator.up()).rejects.toThrow(
      'its 2 HTLCs do not say which node has them: name it, "lnmuxd migrate up --node PUBKEY"',
    );
    expect(await migrator.version()).toBe(1);
    const node = NODE_A.toString('hex');
    expect(await migrator.up(undefined, { node })).toEqual({ from: 1, to: LATEST });
    const { store, epoch } = await lead(database);
    const { invoices } = await store.recover(epoch);
    expect(invoices.map(({ members }) => members.map(({ key }) => key.nodeId))).toEqual([[node]]);
    expect(await new Migrator((await goDatabase(1)).target).up()).toEqual({ from: 1, to: LATEST });
  });

  test.each([0, 2])('of version %i come up as well', async (version) => {
    const database = await goDatabase(version, version === 2 ? [row(1, OPEN, OPEN)] : []);
    expect(await new Migrator(database.target).up()).toEqual({ from: version, to: LATEST });
  });
});
