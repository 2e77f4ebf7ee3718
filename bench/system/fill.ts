import type { BenchDatabase } from './database.ts';
import { withClient } from './database.ts';

const AT_ONCE = 100_000;

/** Stores finished single-part invoices as the daemon leaves them, with their lines of events. */
export function fillFinished(database: BenchDatabase, count: number): Promise<void> {
  return fill(database, count, FINISHED, ['lnmux.invoices', 'lnmux.htlcs', 'lnmux.events']);
}

/** Stores single-part invoices that are released and not final, their parts at the nodes in turn. */
export function fillPending(database: BenchDatabase, count: number, nodes: readonly string[]): Promise<void> {
  return fill(database, count, PENDING(nodes), ['lnmux.invoices', 'lnmux.htlcs', 'lnmux.events']);
}

/** Stores finished invoices in the schema of the Go program. */
export function fillGo(database: BenchDatabase, count: number): Promise<void> {
  return fill(database, count, GO, ['lnmux.invoices', 'lnmux.htlcs']);
}

async function fill(
  database: BenchDatabase,
  count: number,
  statements: readonly string[],
  tables: readonly string[],
): Promise<void> {
  await withClient(database.target, async (client) => {
    for (let from = 1; from <= count; from += AT_ONCE) {
      const to = Math.min(count, from + AT_ONCE - 1);
      for (const statement of statements) await client.query(statement, [from, to]);
    }
    for (const table of tables) await client.query(`VACUUM ANALYZE ${table}`);
    await client.query('CHECKPOINT');
  });
}

/** Rows made up from a number: preimage, hash and set id are digests, so that indexes are met in no order. */
const ROWS = (seed: string) => `WITH r AS MATERIALIZED (
  SELECT n, sha256(p) AS hash, p AS preimage, sha256(('${seed} set ' || n)::bytea) AS set_id,
    now() - interval '1 day' AS at
  FROM (SELECT n, sha256(('${seed} ' || n)::bytea) AS p FROM generate_series($1::bigint, $2::bigint) n) x
)`;

const OLD_NODE = `decode('02' || repeat('ab', 32), 'hex')`;

const FINISHED = [
  `${ROWS('old')}, i AS (
    INSERT INTO lnmux.invoices (settle_requested_at, hash, preimage, amount_msat, status, finalized_at, set_id,
      request_epoch, released_at, release_epoch, settled_msat)
    SELECT at, hash, preimage, 1000000, 'SETTLED', at, set_id, 1, at, 1, 1000000 FROM r
  )
  INSERT INTO lnmux.htlcs (settle_requested_at, hash, chan_id, htlc_id, amount_msat, node, status, finalized_at,
    auto_fail_height, cltv_expiry, off_chain)
  SELECT at, hash, 1, n, 1000000, ${OLD_NODE}, 'SETTLED', at, 300, 300, true FROM r`,
  // A request and a final, as each payment leaves them.
  `${ROWS('old')}, c AS (
    UPDATE lnmux.event_counter SET last = last + 2 * ($2 - $1 + 1) RETURNING last - 2 * ($2 - $1 + 1) AS base
  )
  INSERT INTO lnmux.events (seq, at, epoch, hash, set_id, machine, from_state, event, to_state, details)
  SELECT c.base + 2 * (r.n - $1) + l.line, r.at, 1, r.hash, r.set_id, l.machine, l.from_state, l.event, l.to_state,
    '{"part": "02abababababababababababababababababababababababababababababababab:1:1", "amountMsat": "1000000"}'
  FROM c, r, (VALUES (1, 'htlcSet', 'accepted', 'settle', 'releasing'),
    (2, 'invoice', 'settleRequested', 'htlc.settled', 'settled')) l(line, machine, from_state, event, to_state)`,
];

const PENDING = (nodes: readonly string[]) => [
  `${ROWS('pending')}, i AS (
    INSERT INTO lnmux.invoices (settle_requested_at, hash, preimage, amount_msat, status, set_id, request_epoch,
      released_at, release_epoch)
    SELECT at, hash, preimage, 1000000, 'SETTLE_REQUESTED', set_id, 1, at, 1 FROM r
  )
  INSERT INTO lnmux.htlcs (settle_requested_at, hash, chan_id, htlc_id, amount_msat, node, status, auto_fail_height,
    cltv_expiry)
  SELECT at, hash, 770000000000000000, n, 1000000,
    (ARRAY[${nodes.map((node) => `'\\x${node}'::bytea`).join(', ')}])[1 + n % ${nodes.length}],
    'SETTLE_REQUESTED', 300, 300 FROM r`,
];

const GO = [
  `${ROWS('old')}, i AS (
    INSERT INTO lnmux.invoices (settle_requested_at, hash, preimage, amount_msat, status, finalized_at)
    SELECT at, hash, preimage, 1000000, 'SETTLED', at FROM r
  )
  INSERT INTO lnmux.htlcs (settle_requested_at, hash, chan_id, htlc_id, amount_msat, node, status, finalized_at)
  SELECT at, hash, 1, n, 1000000, ${OLD_NODE}, 'SETTLED', at FROM r`,
];
