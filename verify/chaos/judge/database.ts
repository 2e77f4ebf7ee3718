import pg from 'pg';
import { clientConfig, type PostgresTarget } from '../../../src/adapters/postgres/dsn.ts';

export interface InvoiceRow {
  readonly setId: string;
  readonly amountMsat: bigint;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
  readonly isReleased: boolean;
  readonly cause: string | undefined;
  readonly settledMsat: bigint | undefined;
}

export interface HtlcRow {
  readonly hash: string;
  readonly amountMsat: bigint;
  readonly status: 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';
}

/** What the database says in the end. */
export interface DatabaseFacts {
  readonly invoices: ReadonlyMap<string, InvoiceRow>;
  /** By `node:channel:htlc`. */
  readonly htlcs: ReadonlyMap<string, HtlcRow>;
  /** Decisions to fail whose end is not recorded: their hashes. */
  readonly failsLeft: readonly string[];
  readonly events: {
    readonly count: bigint;
    readonly first: bigint;
    readonly last: bigint;
    readonly counter: bigint;
    /** Sequence numbers at which the epoch is lower than before. */
    readonly epochFalls: readonly bigint[];
    /** How often each invoice ended, where it is more than once. */
    readonly endedTwice: readonly string[];
  };
  readonly epoch: bigint;
}

export interface EventRow {
  readonly seq: string;
  readonly at: Date;
  readonly epoch: string;
  readonly text: string;
}

const u64 = (column: string) =>
  `(CASE WHEN ${column} < 0 THEN ${column} + 18446744073709551616 ELSE ${column} END)`;
const KEY = `encode(node, 'hex') || ':' || ${u64('chan_id')} || ':' || ${u64('htlc_id')}`;

/** A connection of the judge's own, past all proxies. */
export async function withDatabase<T>(
  target: PostgresTarget,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(clientConfig(target, 'judge'));
  client.on('error', () => {});
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

/** How much is not final: settlements and failures. */
export async function countOpen(client: pg.Client): Promise<number> {
  const { rows } = await client.query(`SELECT
    (SELECT count(*) FROM lnmux.invoices WHERE status = 'SETTLE_REQUESTED')
    + (SELECT count(*) FROM lnmux.failed_htlcs) AS open`);
  return Number(rows[0].open);
}

export async function readFacts(client: pg.Client): Promise<DatabaseFacts> {
  const invoices = await client.query(`SELECT encode(hash, 'hex') AS hash, encode(set_id, 'hex') AS set_id,
    amount_msat, status::text AS status, released_at IS NOT NULL AS released, cause, settled_msat FROM lnmux.invoices`);
  const htlcs = await client.query(
    `SELECT ${KEY} AS key, encode(hash, 'hex') AS hash, amount_msat, status::text AS status FROM lnmux.htlcs`,
  );
  const fails = await client.query(`SELECT DISTINCT encode(hash, 'hex') AS hash FROM lnmux.failed_htlcs`);
  return {
    invoices: new Map(
      invoices.rows.map((row) => [
        row.hash,
        {
          setId: row.set_id,
          amountMsat: BigInt(row.amount_msat),
          status: row.status,
          isReleased: row.released,
          cause: row.cause ?? undefined,
          settledMsat: row.settled_msat === null ? undefined : BigInt(row.settled_msat),
        },
      ]),
    ),
    htlcs: new Map(
      htlcs.rows.map((row) => [
        row.key,
        { hash: row.hash, amountMsat: BigInt(row.amount_msat), status: row.status },
      ]),
    ),
    failsLeft: fails.rows.map((row) => row.hash),
    events: await readEvents(client),
    epoch: BigInt((await client.query('SELECT epoch FROM lnmux.leader')).rows[0].epoch),
  };
}

async function readEvents(client: pg.Client): Promise<DatabaseFacts['events']> {
  const totals = await client.query(`SELECT count(*) AS count, coalesce(min(seq), 1) AS first,
    coalesce(max(seq), 0) AS last, (SELECT last FROM lnmux.event_counter) AS counter FROM lnmux.events`);
  const falls = await client.query(`SELECT seq FROM (
    SELECT seq, epoch, max(epoch) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM lnmux.events) e WHERE epoch < before ORDER BY seq LIMIT 10`);
  const twice = await client.query(`SELECT encode(hash, 'hex') AS hash FROM lnmux.events
    WHERE machine = 'invoice' AND to_state IN ('settled', 'failed') AND from_state = 'settleRequested'
    GROUP BY hash HAVING count(*) > 1`);
  const [row] = totals.rows;
  return {
    count: BigInt(row.count),
    first: BigInt(row.first),
    last: BigInt(row.last),
    counter: BigInt(row.counter),
    epochFalls: falls.rows.map(({ seq }) => BigInt(seq)),
    endedTwice: twice.rows.map(({ hash }) => hash),
  };
}

/** The audit log of one payment. */
export async function eventsOf(client: pg.Client, hash: string): Promise<EventRow[]> {
  const { rows } = await client.query(
    `SELECT seq, at, epoch, machine || ': ' || from_state || ' --' || event || '--> ' || to_state || ' '
      || coalesce(details::text, '') AS text FROM lnmux.events WHERE hash = $1 ORDER BY seq`,
    [Buffer.from(hash, 'hex')],
  );
  return rows;
}
