import type { BatchOutcome } from '../../actors/ports/decisionStore.ts';
import type { Drain, NodeStore } from '../../actors/ports/nodeStore.ts';
import type { NodeId } from '../../domain/hash.ts';
import { stopOf } from './decide.ts';
import { time } from './decideStatement.ts';
import type { Read } from './reads.ts';
import type { WriterConnection } from './writerConnection.ts';

const FENCE = `WITH fence AS MATERIALIZED (
  SELECT epoch FROM lnmux.leader WHERE id = 1 AND epoch = $1::bigint FOR SHARE
)`;

/** The line of the events table that goes with an order about the node $2, at $3 unix ms. */
const eventLine = (from: string, event: string, to: string, details: string) => `, counter AS (
  UPDATE lnmux.event_counter c SET last = c.last + 1 FROM fence WHERE c.id = 1 RETURNING c.last, fence.epoch
), appended AS (
  INSERT INTO lnmux.events (seq, at, epoch, machine, from_state, event, to_state, details)
  SELECT last, ${time('$3::float8')}, epoch, 'nodeLink', '${from}', '${event}', '${to}',
    jsonb_build_object('node', encode($2::bytea, 'hex')${details})
  FROM counter
)`;

/** Parameters: $1 epoch, $2 node, $3 unix ms, $4 whether parts are refused. Rows: none when fenced. */
const DRAIN = `${FENCE}, drained AS (
  INSERT INTO lnmux.drained_nodes AS n (node, since, refuse_parts, epoch)
  SELECT $2::bytea, ${time('$3::float8')}, $4::bool, epoch FROM fence
  ON CONFLICT (node) DO UPDATE SET refuse_parts = EXCLUDED.refuse_parts, epoch = EXCLUDED.epoch
  RETURNING round(date_part('epoch', n.since) * 1000) AS since
)${eventLine('open', 'drain.requested', 'draining', ", 'refusesParts', $4::bool")}
SELECT counter.last, drained.since FROM counter, drained`;

/** Parameters: $1 epoch, $2 node, $3 unix ms. Rows: none when fenced. */
const UNDRAIN = `${FENCE}, gone AS (
  DELETE FROM lnmux.drained_nodes n USING fence WHERE n.node = $2::bytea
)${eventLine('draining', 'drain.ended', 'open', '')}
SELECT last FROM counter`;

/** Parameters: $1 since, $2 until, as unix ms or null. No index serves this: it would cost every payment something. */
const FEES = `SELECT encode(node, 'hex'), COALESCE(sum(fee_msat), 0)::text, sum(amount_msat)::text, count(*),
    count(*) FILTER (WHERE fee_msat IS NULL)
  FROM lnmux.htlcs
  WHERE status = 'SETTLED' AND ($1::float8 IS NULL OR finalized_at >= ${time('$1::float8')})
    AND ($2::float8 IS NULL OR finalized_at < ${time('$2::float8')})
  GROUP BY node ORDER BY node`;

/**
 * What is remembered of nodes, in PostgreSQL. Orders are rare: they share a connection with other writes. `readAll` is
 * for what takes its time.
 */
export function nodeStore(writer: WriterConnection, read: Read, readAll: Read): NodeStore {
  return {
    async readDrains() {
      const rows = await read(`SELECT encode(node, 'hex'), refuse_parts,
        round(date_part('epoch', since) * 1000) FROM lnmux.drained_nodes`);
      return rows.map(([node, refusesParts, since]) => ({
        nodeId: node as NodeId,
        refusesParts: refusesParts as boolean,
        since: since as number,
      }));
    },
    async readFees({ since, until }) {
      const rows = await readAll(FEES, [since ?? null, until ?? null]);
      return rows.map(([node, feeMsat, amountMsat, parts, partsWithoutFee]) => ({
        nodeId: node as NodeId,
        feeMsat: BigInt(feeMsat as string),
        amountMsat: BigInt(amountMsat as string),
        parts: parts as bigint,
        partsWithoutFee: partsWithoutFee as bigint,
      }));
    },
    async drain(epoch, drain): Promise<BatchOutcome<Drain>> {
      const values = [epoch, `\\x${drain.nodeId}`, drain.since, drain.refusesParts];
      const answer = await writer.run({ name: 'lnmux_drain', text: DRAIN, values });
      if (answer.kind !== 'rows') return stopOf(answer);
      const [row] = answer.rows;
      if (row === undefined) return { kind: 'fenced' };
      const stands = { ...drain, since: row[1] as number };
      return { kind: 'acknowledged', results: [stands], lastSequence: row[0] as bigint };
    },
    async undrain(epoch, nodeId, at): Promise<BatchOutcome<never>> {
      const answer = await writer.run({
        name: 'lnmux_undrain',
        text: UNDRAIN,
        values: [epoch, `\\x${nodeId}`, at],
      });
      if (answer.kind !== 'rows') return stopOf(answer);
      const [row] = answer.rows;
      if (row === undefined) return { kind: 'fenced' };
      return { kind: 'acknowledged', results: [], lastSequence: row[0] as bigint };
    },
  };
}
