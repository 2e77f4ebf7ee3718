import type { TestDatabase } from './postgres.ts';

const bytes = (hex: string) => `'\\x${hex}'`;

/** The columns that the Go program reads and writes, by name, as its driver does. */
const INVOICE = [
  'settle_requested_at',
  'hash',
  'preimage',
  'amount_msat',
  'sequence_num',
  'status',
  'finalized_at',
];
const HTLC = [
  'settle_requested_at',
  'hash',
  'chan_id',
  'htlc_id',
  'amount_msat',
  'node',
  'status',
  'finalized_at',
];

const columns = (names: readonly string[], table: string) =>
  names.map((name) => `"${table}"."${name}"`).join(', ');

export interface GoHtlcKey {
  readonly node: string;
  readonly chanId: bigint;
  readonly htlcId: bigint;
}

const where = ({ node, chanId, htlcId }: GoHtlcKey) =>
  `(node = ${bytes(node)} AND chan_id = ${chanId} AND htlc_id = ${htlcId})`;

/**
 * What the Go program does with its database, statement by statement: values in the text, untyped literals for the
 * statuses, one transaction for each action. Bytes are hex digits.
 */
export class GoProgram {
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
  }

  /** `migrate version`. */
  async version(): Promise<number> {
    const rows = await this.#run('SELECT version FROM lnmux.migrations ORDER BY id DESC LIMIT 1');
    return Number(rows[0]?.version ?? 0);
  }

  /** Before each HTLC, and for calls: the invoice and its parts, if there is a row. */
  async lookup(hash: string): Promise<{ status: string; preimage: string; parts: string[] } | undefined> {
    const [invoice] = await this.#run(
      `SELECT ${columns(INVOICE, 'invoice')} FROM "lnmux"."invoices" AS "invoice" WHERE (hash = ${bytes(hash)}) FOR SHARE`,
    );
    const parts = await this.#run(
      `SELECT ${columns(HTLC, 'htlc')} FROM "lnmux"."htlcs" AS "htlc" WHERE (hash = ${bytes(hash)})`,
    );
    if (!invoice) return undefined;
    return {
      status: String(invoice.status),
      preimage: (invoice.preimage as Buffer).toString('hex'),
      parts: parts.map((part) => `${part.htlc_id} ${part.status}`).sort(),
    };
  }

  /** A settle request: the invoice and its parts. */
  async requestSettle(
    hash: string,
    preimage: string,
    keys: readonly GoHtlcKey[],
    partMsat = 1_000,
  ): Promise<void> {
    const parts = keys.map(
      ({ node, chanId, htlcId }) =>
        `(now(), ${bytes(hash)}, ${chanId}, ${htlcId}, ${partMsat}, ${bytes(node)}, 'SETTLE_REQUESTED', NULL)`,
    );
    await this.#run(
      `BEGIN;
      INSERT INTO "lnmux"."invoices" (${INVOICE.join(', ')}) VALUES (now(), ${bytes(hash)}, ${bytes(preimage)},
        ${partMsat * keys.length}, DEFAULT, 'SETTLE_REQUESTED', NULL) RETURNING "sequence_num";
      INSERT INTO "lnmux"."htlcs" (${HTLC.join(', ')}) VALUES ${parts.join(', ')};
      COMMIT`,
    );
  }

  /** At the start of a node's finaliser: the parts to look up. */
  async pending(node: string): Promise<string[]> {
    const rows = await this.#run(
      `SELECT ${columns(HTLC, 'htlc')} FROM "lnmux"."htlcs" AS "htlc"
        WHERE (node = ${bytes(node)}) AND (status = 'SETTLE_REQUESTED')`,
    );
    return rows.map((row) => String(row.htlc_id)).sort();
  }

  /** A final outcome of a part; true when the invoice ended with it. */
  async markFinal(key: GoHtlcKey, settled: boolean): Promise<boolean> {
    const [part] = await this.#run(
      `SELECT ${columns(HTLC, 'htlc')} FROM "lnmux"."htlcs" AS "htlc" WHERE ${where(key)}`,
    );
    if (!part) return false;
    const hash = (part.hash as Buffer).toString('hex');
    const to = settled ? 'SETTLED' : 'FAILED';
    const [invoice] = await this.#run(
      `SELECT ${columns(INVOICE, 'invoice')} FROM "lnmux"."invoices" AS "invoice" WHERE (hash = ${bytes(hash)}) FOR UPDATE`,
    );
    if (invoice?.status === 'SETTLED') throw new Error('htlc received but invoice already settled');
    const changed = await this.#run(
      `UPDATE "lnmux"."htlcs" AS "htlc" SET status = '${to}', finalized_at = now()
        WHERE ${where(key)} AND (status = 'SETTLE_REQUESTED') RETURNING hash`,
    );
    if (changed.length === 0 || invoice?.status === 'FAILED') return false;
    const [open] = await this.#run(
      `SELECT count(*) FROM "lnmux"."htlcs" AS "htlc" WHERE (hash = ${bytes(hash)}) AND (status != 'SETTLED')`,
    );
    if (settled && Number(open?.count) > 0) return false;
    const ended = await this.#run(
      `UPDATE "lnmux"."invoices" AS "invoice" SET status = '${to}', finalized_at = now()
        WHERE (hash = ${bytes(hash)}) AND (status = 'SETTLE_REQUESTED') RETURNING hash`,
    );
    if (ended.length === 0) throw new Error('invoice not updated');
    return true;
  }

  /** ListInvoices. */
  async list(sequenceStart: number, max: number): Promise<string[]> {
    const rows = await this.#run(
      `SELECT ${columns(INVOICE, 'invoice')} FROM "lnmux"."invoices" AS "invoice"
        WHERE (sequence_num >= ${sequenceStart}) ORDER BY "sequence_num" ASC LIMIT ${max}`,
    );
    return rows.map((row) => `${row.sequence_num} ${row.status}`);
  }

  async #run(sql: string): Promise<Record<string, unknown>[]> {
    return this.#database.query(sql);
  }
}
