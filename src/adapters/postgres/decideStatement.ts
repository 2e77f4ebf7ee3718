/**
 * The statement that makes a round of decisions durable. A round has at most one invoice decision per payment hash,
 * names no part twice, and no hash has both an invoice decision and a `fail` (rounds.ts sees to it), so that no two
 * branches touch one row.
 *
 * How it reads: the fence holds the leader row for the time of the statement; no epoch, no rows anywhere. Every
 * branch returns which of its decisions are new (`fresh`) and which were found recorded exactly so. The latter
 * still write (confirm_epoch): a decision that is in doubt on another connection is waited for, and the
 * acknowledgement then covers WAL of our own. Whatever no branch returns is refused, with the reason looked up last.
 * Only new decisions append their line to the events, numbered from the counter row, which is locked late.
 *
 * Filters between the branches are written `CASE WHEN ... IN (SELECT ...)`: that keeps the planner from turning
 * them into nested loops over the batch; they become hash look-ups.
 *
 * Batches of requests alone, the rule, use a statement without the other branches: starting and ending all of them
 * takes half a millisecond.
 *
 * Parameters: $1 epoch; decisions $2 number, $3 kind, $4 hash, $5 set id, $6 preimage (empty if none), $7 amount,
 * $8 unix ms, $9 cause, $10 machine, $11 from, $12 event, $13 to, $14 details; members of requests $15 hash,
 * $16 unix ms, $17 node, $18 channel, $19 htlc, $20 amount, $21 auto-fail height, $22 cltv expiry, $23 fee (null where not
 * known); parts to fail $24 number of the decision, $25 whether of an abort, $26 hash, $27 set id, $28 unix ms,
 * $29 node, $30 channel, $31 htlc, $32 amount, $33 auto-fail height, $34 cltv expiry, $35 reason, $36 failure onion.
 * Without the other branches, $1 to $23.
 *
 * Rows: none when fenced; else the last event number, and per refused decision its number and the reason.
 */
function decideStatement(branches: 'requests' | 'all'): string {
  const all = branches === 'all';
  return `${DECISIONS}${all ? PARTS_TO_FAIL : ''}${REQUESTS}${all ? OTHERS : ''}
), done AS MATERIALIZED (
  SELECT hash, fresh FROM requested
  ${all ? 'UNION ALL SELECT hash, fresh FROM released UNION ALL SELECT hash, fresh FROM aborted' : ''}
${all ? OUTCOME_OF_ALL : OUTCOME_OF_REQUESTS}${EVENTS}`;
}

const DECISIONS = `
WITH fence AS MATERIALIZED (
  SELECT epoch FROM lnmux.leader WHERE id = 1 AND epoch = $1::bigint FOR SHARE
), d AS MATERIALIZED (
  SELECT u.ord, u.kind, u.hash, u.set_id, u.preimage, u.amount_msat, ${time('u.at_ms')} AS at, u.cause,
    u.machine, u.from_state, u.event, u.to_state, u.details, fence.epoch
  FROM fence, unnest($2::int[], $3::text[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bigint[], $8::float8[],
      $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
    AS u(ord, kind, hash, set_id, preimage, amount_msat, at_ms, cause, machine, from_state, event, to_state, details)
), m AS MATERIALIZED (
  SELECT u.*, ${time('u.at_ms')} AS at
  FROM fence, unnest($15::bytea[], $16::float8[], $17::bytea[], $18::bigint[], $19::bigint[], $20::bigint[],
      $21::int[], $22::bigint[], $23::bigint[])
    AS u(hash, at_ms, node, chan_id, htlc_id, amount_msat, auto_fail_height, cltv_expiry, fee_msat)
`;

const PARTS_TO_FAIL = `), x AS MATERIALIZED (
  SELECT u.*, ${time('u.at_ms')} AS at, fence.epoch
  FROM fence, unnest($24::int[], $25::bool[], $26::bytea[], $27::bytea[], $28::float8[], $29::bytea[], $30::bigint[],
      $31::bigint[], $32::bigint[], $33::int[], $34::bigint[], $35::text[], $36::bytea[])
    AS u(ord, of_abort, hash, set_id, at_ms, node, chan_id, htlc_id, amount_msat, auto_fail_height, cltv_expiry,
      reason, failure_onion)
`;

const REQUESTS = `), taken AS MATERIALIZED (
  SELECT m.hash FROM m JOIN lnmux.failed_htlcs f USING (node, chan_id, htlc_id)
), requested AS (
  INSERT INTO lnmux.invoices AS i
    (settle_requested_at, hash, preimage, amount_msat, status, set_id, request_epoch, released_at, release_epoch)
  SELECT d.at, d.hash, d.preimage, d.amount_msat, 'SETTLE_REQUESTED', d.set_id, d.epoch,
    CASE WHEN d.kind = 'requestAndRelease' THEN d.at END, CASE WHEN d.kind = 'requestAndRelease' THEN d.epoch END
  FROM d
  WHERE d.kind IN ('request', 'requestAndRelease') AND d.hash NOT IN (SELECT hash FROM taken)
  ON CONFLICT (hash) DO UPDATE SET confirm_epoch = EXCLUDED.request_epoch
    WHERE i.status = 'SETTLE_REQUESTED' AND ${setIdOf('i')} = EXCLUDED.set_id
      AND (EXCLUDED.released_at IS NULL OR i.released_at IS NOT NULL OR i.set_id IS NULL)
  RETURNING i.hash, i.confirm_epoch IS NULL AS fresh
), members AS (
  INSERT INTO lnmux.htlcs
    (settle_requested_at, hash, chan_id, htlc_id, amount_msat, node, status, auto_fail_height, cltv_expiry, fee_msat)
  SELECT m.at, m.hash, m.chan_id, m.htlc_id, m.amount_msat, m.node, 'SETTLE_REQUESTED', m.auto_fail_height,
    m.cltv_expiry, m.fee_msat
  FROM m WHERE CASE WHEN m.hash IN (SELECT hash FROM requested WHERE fresh) THEN true ELSE false END
`;

const OTHERS = `), released AS (
  UPDATE lnmux.invoices i SET
    set_id = d.set_id,
    released_at = COALESCE(i.released_at, CASE WHEN i.set_id IS NULL THEN i.settle_requested_at END, d.at),
    release_epoch = CASE WHEN i.released_at IS NULL AND i.set_id IS NOT NULL THEN d.epoch ELSE i.release_epoch END,
    confirm_epoch = CASE WHEN i.released_at IS NULL AND i.set_id IS NOT NULL THEN NULL ELSE d.epoch END
  FROM d
  WHERE d.kind = 'release' AND i.hash = d.hash AND i.status = 'SETTLE_REQUESTED' AND ${setIdOf('i')} = d.set_id
  RETURNING i.hash, i.confirm_epoch IS NULL AS fresh

-- abort: members are locked first, as finalise does it; their rows go, so that no rollback settles them
), doomed AS MATERIALIZED (
  SELECT h.hash, h.node, h.chan_id, h.htlc_id, h.status
  FROM d JOIN lnmux.htlcs h ON h.hash = d.hash WHERE d.kind = 'abort' FOR UPDATE OF h
), aborted AS (
  UPDATE lnmux.invoices i SET
    status = 'FAILED',
    finalized_at = COALESCE(i.finalized_at, d.at),
    cause = COALESCE(i.cause, d.cause),
    settled_msat = 0,
    abort_epoch = COALESCE(i.abort_epoch, d.epoch),
    confirm_epoch = CASE WHEN i.abort_epoch IS NULL THEN NULL ELSE d.epoch END
  FROM d
  WHERE d.kind = 'abort' AND i.hash = d.hash AND i.set_id = d.set_id
    AND d.hash NOT IN (SELECT hash FROM doomed WHERE status = 'SETTLED')
    AND (i.status = 'SETTLE_REQUESTED' AND (i.released_at IS NULL OR i.release_epoch = d.epoch)
      OR i.status = 'FAILED' AND i.abort_epoch IS NOT NULL)
  RETURNING i.hash, i.confirm_epoch IS NULL AS fresh
), gone AS (
  DELETE FROM lnmux.htlcs h USING aborted a WHERE a.fresh AND h.hash = a.hash

-- fail, and the parts of aborts
), blocked AS MATERIALIZED (
  SELECT x.ord, 'a part belongs to a set that is requested' AS because
  FROM x JOIN lnmux.htlcs h USING (node, chan_id, htlc_id) WHERE NOT x.of_abort
  UNION ALL
  SELECT x.ord, 'a part is already failed for another payment hash'
  FROM x JOIN lnmux.failed_htlcs f USING (node, chan_id, htlc_id) WHERE NOT x.of_abort AND f.hash <> x.hash
), failed AS (
  INSERT INTO lnmux.failed_htlcs AS f
    (node, chan_id, htlc_id, hash, set_id, reason, failure_onion, amount_msat, auto_fail_height, cltv_expiry,
      decided_at, epoch)
  SELECT x.node, x.chan_id, x.htlc_id, x.hash, x.set_id, x.reason, x.failure_onion, x.amount_msat,
    x.auto_fail_height, x.cltv_expiry, x.at, x.epoch
  FROM x
  WHERE CASE WHEN x.of_abort
    THEN x.hash IN (SELECT hash FROM aborted WHERE fresh) AND (x.node, x.chan_id, x.htlc_id)
      NOT IN (SELECT node, chan_id, htlc_id FROM doomed WHERE status <> 'SETTLE_REQUESTED')
    ELSE x.ord NOT IN (SELECT ord FROM blocked) END
  ORDER BY x.node, x.chan_id, x.htlc_id
  ON CONFLICT (node, chan_id, htlc_id) DO UPDATE SET confirm_epoch = EXCLUDED.epoch WHERE f.hash = EXCLUDED.hash
  RETURNING f.node, f.chan_id, f.htlc_id, f.confirm_epoch IS NULL AS fresh
), new_fails AS MATERIALIZED (
  SELECT x.ord FROM x WHERE CASE WHEN NOT x.of_abort AND (x.node, x.chan_id, x.htlc_id)
    IN (SELECT node, chan_id, htlc_id FROM failed WHERE fresh) THEN true ELSE false END
`;

const REASON = `COALESCE((
      SELECT CASE WHEN ${setIdOf('i')} IS DISTINCT FROM d.set_id THEN 'another set of this payment hash is recorded'
        WHEN i.abort_epoch IS NOT NULL THEN 'the set is aborted'
        WHEN i.status <> 'SETTLE_REQUESTED' THEN 'the invoice is final: ' || i.status::text
        WHEN d.kind = 'requestAndRelease' THEN 'the set is requested, but not released'
        WHEN d.kind = 'abort' AND i.released_at IS NULL AND i.set_id IS NULL THEN 'the set was released by the Go program'
        WHEN d.kind = 'abort' THEN 'the set was released by another leader, or a part is settled'
        ELSE 'the row changed in between' END
      FROM lnmux.invoices i WHERE i.hash = d.hash), 'no such set is requested')`;

const OUTCOME_OF_REQUESTS = `), refused AS MATERIALIZED (
  SELECT d.ord, CASE WHEN d.hash IN (SELECT hash FROM taken) THEN 'a part is already failed' ELSE ${REASON} END AS because
  FROM d WHERE d.hash NOT IN (SELECT hash FROM done)
), lines AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY d.ord) AS number, d.*
  FROM d WHERE CASE WHEN d.hash IN (SELECT hash FROM done WHERE fresh) THEN true ELSE false END
`;

const OUTCOME_OF_ALL = `), refused AS MATERIALIZED (
  SELECT d.ord, CASE WHEN d.kind = 'fail' THEN (SELECT min(b.because) FROM blocked b WHERE b.ord = d.ord)
    WHEN d.hash IN (SELECT hash FROM taken) THEN 'a part is already failed'
    ELSE ${REASON} END AS because
  FROM d
  WHERE CASE WHEN d.kind = 'fail' THEN d.ord IN (SELECT ord FROM blocked) ELSE d.hash NOT IN (SELECT hash FROM done) END
), lines AS MATERIALIZED (
  SELECT row_number() OVER (ORDER BY d.ord) AS number, d.*
  FROM d
  WHERE CASE WHEN d.kind = 'fail' THEN d.ord IN (SELECT ord FROM new_fails)
    ELSE d.hash IN (SELECT hash FROM done WHERE fresh) END
`;

const EVENTS = `), counter AS (
  UPDATE lnmux.event_counter c SET last = c.last + n.lines
  FROM fence, (SELECT count(*) AS lines FROM lines) n WHERE c.id = 1
  RETURNING c.last, n.lines
), appended AS (
  INSERT INTO lnmux.events (seq, at, epoch, hash, set_id, machine, from_state, event, to_state, details)
  SELECT c.last - c.lines + l.number, l.at, l.epoch, l.hash, l.set_id, l.machine, l.from_state, l.event, l.to_state,
    l.details::jsonb
  FROM counter c, lines l
)
SELECT c.last, r.ord, r.because FROM counter c LEFT JOIN refused r ON true
`;

/** For batches of `request` and `requestAndRelease` alone. */
export const DECIDE_REQUESTS = decideStatement('requests');
/** For any batch. */
export const DECIDE = decideStatement('all');

/** A timestamp from unix milliseconds. */
export function time(ms: string): string {
  return `to_timestamp(${ms} / 1000)`;
}

/** Set id of an invoice row; rows of the Go program have none, so it is computed from the members as setId.ts does. */
function setIdOf(row: string): string {
  return `COALESCE(${row}.set_id, (
      SELECT sha256(string_agg(g.node || int8send(g.chan_id) || int8send(g.htlc_id), ''::bytea
        ORDER BY g.node, int8send(g.chan_id), int8send(g.htlc_id)))
      FROM lnmux.htlcs g WHERE g.hash = ${row}.hash))`;
}
