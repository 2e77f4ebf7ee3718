import type { BatchOutcome, JournalLine } from '../../actors/ports/decisionStore.ts';
import { stopOf } from './decide.ts';
import { time } from './decideStatement.ts';
import { numberArray } from './sqlTypes.ts';
import type { WriterConnection } from './writerConnection.ts';

/**
 * Appends lines that decide nothing and raises the height mark. Parameters: $1 epoch; $2 hash, $3 set id (null or
 * bytes), $4 unix ms, $5 machine, $6 from, $7 event, $8 to, $9 details; $10 height. Rows: none when fenced.
 */
const JOURNAL = `
WITH fence AS MATERIALIZED (
  SELECT epoch FROM lnmux.leader WHERE id = 1 AND epoch = $1::bigint FOR SHARE
), l AS MATERIALIZED (
  SELECT u.*, row_number() OVER () AS number, fence.epoch
  FROM fence, unnest($2::bytea[], $3::bytea[], $4::float8[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    AS u(hash, set_id, at_ms, machine, from_state, event, to_state, details)
), height AS (
  UPDATE lnmux.high_water w SET height = $10::int FROM fence WHERE w.id = 1 AND w.height < $10::int
), counter AS (
  UPDATE lnmux.event_counter c SET last = c.last + n.lines
  FROM fence, (SELECT count(*) AS lines FROM l) n WHERE c.id = 1
  RETURNING c.last, n.lines
), appended AS (
  INSERT INTO lnmux.events (seq, at, epoch, hash, set_id, machine, from_state, event, to_state, details)
  SELECT c.last - c.lines + l.number, ${time('l.at_ms')}, l.epoch, l.hash, l.set_id, l.machine, l.from_state, l.event,
    l.to_state, l.details::jsonb
  FROM counter c, l
)
SELECT last FROM counter
`;

/**
 * DecisionStore.journal. Lines have no key: submitted again after an open outcome they may stand twice. Nothing is
 * decided by them, so that is the lesser evil.
 */
export async function journal(
  connection: WriterConnection,
  epoch: bigint,
  lines: readonly JournalLine[],
  height: number,
): Promise<BatchOutcome<never>> {
  const values = [
    epoch,
    nullableBytea(lines.map((line) => line.paymentHash)),
    nullableBytea(lines.map((line) => line.setId)),
    numberArray(lines.map((line) => line.at)),
    lines.map((line) => line.machine),
    lines.map((line) => line.from),
    lines.map((line) => line.event),
    lines.map((line) => line.to),
    lines.map((line) => (line.details ? JSON.stringify(line.details) : null)),
    height,
  ];
  const answer = await connection.run({ name: 'lnmux_journal', text: JOURNAL, values });
  if (answer.kind !== 'rows') return stopOf(answer);
  if (answer.rows.length === 0) return { kind: 'fenced' };
  return { kind: 'acknowledged', results: [], lastSequence: answer.rows[0]![0] as bigint };
}

function nullableBytea(hex: readonly (string | undefined)[]): string {
  return `{${hex.map((digits) => (digits === undefined ? 'NULL' : `"\\\\x${digits}"`)).join(',')}}`;
}
