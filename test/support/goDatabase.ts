import type { TestDatabase } from './postgres.ts';

/** Where the Go program's last migration put its enum types: it depended on the search path of its session. */
export type EnumSchema = 'lnmux' | 'public';

export interface GoRow {
  readonly hash: Uint8Array;
  readonly preimage: Uint8Array;
  readonly amountMsat: bigint;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
  readonly parts: readonly GoPart[];
}

export interface GoPart {
  /** Undefined in version 1, which knows no nodes. */
  readonly node?: Uint8Array;
  readonly chanId: bigint;
  readonly htlcId: bigint;
  readonly amountMsat: bigint;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
}

const INIT = `
  CREATE SCHEMA IF NOT EXISTS lnmux;
  CREATE TABLE lnmux.migrations (id serial, version bigint, created_at timestamptz)`;

/** What each version changed, as the Go program's SQL files did. */
const steps = (enums: EnumSchema): readonly string[] => [
  `SET search_path TO lnmux, public;
  CREATE TABLE lnmux.invoices (
    settle_requested_at timestamptz,
    hash bytea PRIMARY KEY CHECK (length(hash) = 32),
    preimage bytea NOT NULL UNIQUE CHECK (length(preimage) = 32),
    amount_msat bigint NOT NULL CHECK (amount_msat > 0),
    settled boolean DEFAULT false,
    settled_at timestamptz
  );
  CREATE TABLE lnmux.htlcs (
    settle_requested_at timestamptz,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    chan_id bigint NOT NULL,
    htlc_id bigint NOT NULL,
    amount_msat bigint NOT NULL CHECK (amount_msat > 0),
    settled boolean DEFAULT false,
    settled_at timestamptz,
    CONSTRAINT fk_hash FOREIGN KEY (hash) REFERENCES lnmux.invoices (hash) ON DELETE CASCADE,
    PRIMARY KEY (chan_id, htlc_id)
  )`,
  `ALTER TABLE lnmux.htlcs ADD COLUMN node bytea NOT NULL CHECK (length(node) = 33);
  ALTER TABLE lnmux.htlcs DROP CONSTRAINT htlcs_pkey;
  ALTER TABLE lnmux.htlcs ADD PRIMARY KEY (node, chan_id, htlc_id)`,
  'ALTER TABLE lnmux.invoices ADD COLUMN sequence_num SERIAL UNIQUE',
  `SET search_path TO ${enums};
  CREATE TYPE invoice_status AS ENUM ('SETTLE_REQUESTED', 'SETTLED', 'FAILED');
  CREATE TYPE htlc_status AS ENUM ('SETTLE_REQUESTED', 'SETTLED', 'FAILED');
  ALTER TABLE lnmux.invoices ADD COLUMN status invoice_status NOT NULL, ADD COLUMN finalized_at timestamptz;
  ALTER TABLE lnmux.htlcs ADD COLUMN status htlc_status NOT NULL, ADD COLUMN finalized_at timestamptz;
  ALTER TABLE lnmux.invoices DROP COLUMN settled, DROP COLUMN settled_at;
  ALTER TABLE lnmux.htlcs DROP COLUMN settled, DROP COLUMN settled_at`,
];

/** Brings an empty database to a version of the Go program, the way the Go program did. */
export async function migrateAsGo(
  database: TestDatabase,
  version: number,
  enums: EnumSchema = 'lnmux',
): Promise<void> {
  await database.query(INIT);
  for (const [index, sql] of steps(enums).slice(0, version).entries()) {
    await database.query(`${sql};
      RESET search_path;
      INSERT INTO lnmux.migrations (version, created_at) VALUES (${index + 1}, now())`);
  }
}

/** Rows as the Go program of this version left them. Versions before 4 know settled and not settled. */
export async function insertAsGo(
  database: TestDatabase,
  version: number,
  rows: readonly GoRow[],
): Promise<void> {
  for (const row of rows) {
    await insert(database, version, 'invoices', row.status, {
      hash: row.hash,
      preimage: row.preimage,
      amount_msat: row.amountMsat,
    });
    for (const part of row.parts) {
      await insert(database, version, 'htlcs', part.status, {
        hash: row.hash,
        chan_id: part.chanId,
        htlc_id: part.htlcId,
        amount_msat: part.amountMsat,
        ...(version > 1 ? { node: part.node } : {}),
      });
    }
  }
}

async function insert(
  database: TestDatabase,
  version: number,
  table: string,
  status: GoRow['status'],
  values: Record<string, unknown>,
): Promise<void> {
  const at = new Date('2023-03-01T12:00:00Z');
  const isOpen = status === 'SETTLE_REQUESTED';
  const state =
    version < 4
      ? { settled: status === 'SETTLED', settled_at: status === 'SETTLED' ? at : null }
      : { status, finalized_at: isOpen ? null : at };
  const all = { settle_requested_at: at, ...values, ...state };
  const names = Object.keys(all);
  await database.query(
    `INSERT INTO lnmux.${table} (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
    Object.values(all),
  );
}
