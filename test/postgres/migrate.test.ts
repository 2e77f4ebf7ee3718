import { afterEach, describe, expect, test } from 'vitest';
import { MigrationError, Migrator } from '../../src/adapters/postgres/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const LATEST = 8;
const databases: TestDatabase[] = [];

afterEach(async () => {
  for (const database of databases.splice(0)) await database.drop();
});

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createTestDatabase({ empty: true });
  databases.push(database);
  return database;
}

/** `table.column type [not null] [default]` in physical order. */
async function columns(database: TestDatabase): Promise<unknown[]> {
  const rows = await database.query(`
    SELECT concat_ws(' ', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid)) AS text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'lnmux'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum`);
  return rows.map((row) => row.text);
}

async function constraints(database: TestDatabase): Promise<unknown[]> {
  const rows = await database.query(`
    SELECT conname || ' ' || pg_get_constraintdef(oid) AS text FROM pg_constraint
    WHERE connamespace = 'lnmux'::regnamespace AND contype <> 'n' ORDER BY conname`);
  return rows.map((row) => row.text);
}

const GO_COLUMNS = [
  'htlcs.settle_requested_at timestamp with time zone',
  'htlcs.hash bytea not null',
  'htlcs.chan_id bigint not null',
  'htlcs.htlc_id bigint not null',
  'htlcs.amount_msat bigint not null',
  'htlcs.node bytea not null',
  'htlcs.status lnmux.htlc_status not null',
  'htlcs.finalized_at timestamp with time zone',
  'invoices.settle_requested_at timestamp with time zone',
  'invoices.hash bytea not null',
  'invoices.preimage bytea not null',
  'invoices.amount_msat bigint not null',
  "invoices.sequence_num integer not null nextval('lnmux.invoices_sequence_num_seq'::regclass)",
  'invoices.status lnmux.invoice_status not null',
  'invoices.finalized_at timestamp with time zone',
  "migrations.id integer not null nextval('lnmux.migrations_id_seq'::regclass)",
  'migrations.version bigint',
  'migrations.created_at timestamp with time zone',
];

const GO_CONSTRAINTS = [
  'fk_hash FOREIGN KEY (hash) REFERENCES lnmux.invoices(hash) ON DELETE CASCADE',
  'htlcs_amount_msat_check CHECK ((amount_msat > 0))',
  'htlcs_hash_check CHECK ((length(hash) = 32))',
  'htlcs_node_check CHECK ((length(node) = 33))',
  'htlcs_pkey PRIMARY KEY (node, chan_id, htlc_id)',
  'invoices_amount_msat_check CHECK ((amount_msat > 0))',
  'invoices_hash_check CHECK ((length(hash) = 32))',
  'invoices_pkey PRIMARY KEY (hash)',
  'invoices_preimage_check CHECK ((length(preimage) = 32))',
  'invoices_preimage_key UNIQUE (preimage)',
  'invoices_sequence_num_key UNIQUE (sequence_num)',
];

describe('migrations', () => {
  test('version 4 is the Go program’s schema, with its history', async () => {
    const database = await emptyDatabase();
    const migrator = new Migrator(database.target);
    expect(await migrator.up(4)).toEqual({ from: 0, to: 4 });
    expect(await columns(database)).toEqual(GO_COLUMNS);
    expect(await constraints(database)).toEqual(GO_CONSTRAINTS);
    const history = await database.query('SELECT version FROM lnmux.migrations ORDER BY id');
    expect(history.map((row) => row.version)).toEqual(['1', '2', '3', '4']);
  });

  test('all of them, back one, forth again, back to nothing', async () => {
    const database = await emptyDatabase();
    const migrator = new Migrator(database.target);
    expect(await migrator.init()).toEqual({ from: 0, to: 0 });
    expect(await migrator.up()).toEqual({ from: 0, to: LATEST });
    const complete = await columns(database);
    expect(await migrator.up()).toEqual({ from: LATEST, to: LATEST });
    for (let version = LATEST; version > 4; version--) {
      expect(await migrator.down()).toEqual({ from: version, to: version - 1 });
    }
    expect(await columns(database)).toEqual(GO_COLUMNS);
    expect(await migrator.up()).toEqual({ from: 4, to: LATEST });
    expect(await columns(database)).toEqual(complete);
    expect(await migrator.reset()).toEqual({ from: LATEST, to: 0 });
    expect(await columns(database)).toEqual(GO_COLUMNS.slice(-3));
    expect(await migrator.version()).toBe(0);
  });

  test('need the version table, as in the Go program; only init and up make it', async () => {
    const migrator = new Migrator((await emptyDatabase()).target);
    for (const action of ['version', 'down', 'reset'] as const) {
      await expect(migrator[action]()).rejects.toThrow(
        'table "lnmux.migrations" does not exist; did you run init?',
      );
    }
    await expect(migrator.setVersion(4)).rejects.toThrow('did you run init?');
  });

  test('no index uses the status', async () => {
    const database = await createTestDatabase();
    databases.push(database);
    const rows = await database.query(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'lnmux'`);
    expect(rows.length).toBeGreaterThan(8);
    for (const row of rows) expect(row.indexdef).not.toContain('status');
  });

  test('a failing step leaves nothing of itself behind', async () => {
    const database = await emptyDatabase();
    const migrator = new Migrator(database.target);
    await migrator.up(1);
    await database.query(`INSERT INTO lnmux.invoices (hash, preimage, amount_msat)
      VALUES (sha256('a'), sha256('b'), 1)`);
    await database.query(`INSERT INTO lnmux.htlcs (hash, chan_id, htlc_id, amount_msat)
      VALUES (sha256('a'), 1, 1, 1)`);
    await database.query('ALTER TABLE lnmux.htlcs RENAME CONSTRAINT htlcs_pkey TO renamed');
    const up = () => migrator.up(undefined, { node: `02${'ab'.repeat(32)}` });
    await expect(up()).rejects.toThrow(MigrationError);
    await expect(up()).rejects.toThrow(/^migration 2 \(node\) up: SQLSTATE 42704/);
    expect(await migrator.version()).toBe(1);
  });

  test('two migrators at once apply each step once', async () => {
    const database = await emptyDatabase();
    const migrator = new Migrator(database.target);
    await migrator.init();
    const results = await Promise.all([migrator.up(), migrator.up(), migrator.up()]);
    expect(results.map((result) => result.to)).toEqual([LATEST, LATEST, LATEST]);
    const rows = await database.query('SELECT version FROM lnmux.migrations ORDER BY id');
    expect(rows.map((row) => Number(row.version))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('the version is that of the row with the highest id', async () => {
    const database = await emptyDatabase();
    const migrator = new Migrator(database.target);
    await migrator.init();
    await migrator.setVersion(4);
    expect(await migrator.setVersion(2)).toEqual({ from: 4, to: 2 });
    expect(await migrator.version()).toBe(2);
    await expect(migrator.up(LATEST + 1)).rejects.toThrow(/there is no version/);
  });
});
