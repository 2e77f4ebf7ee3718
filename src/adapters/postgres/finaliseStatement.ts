import { time } from './decideStatement.ts';
import type { StatusTypes } from './statusTypes.ts';

/**
 * Records lnd's last word on parts. All members of the invoices concerned are locked first and everything follows
 * from the locked versions: a snapshot would be too old after waiting for another statement that is in doubt, and
 * an invoice would stay open for ever. Members' status changes once; an invoice ends when its last member does.
 * Failed decisions are purged. One line of events per recorded final; the one that ends the invoice says so.
 *
 * Parameters: $1 epoch; $2 number, $3 hash, $4 node, $5 channel, $6 htlc, $7 settled, $8 off chain, $9 unix ms.
 * No key twice. Rows: none when fenced; else the last event number, and per final that belongs to a member: its
 * number, whether all members are final, whether all settled, and the settled amount.
 */
export function finaliseStatement(types: StatusTypes): string {
  return `
WITH fence AS MATERIALIZED (
  SELECT epoch FROM lnmux.leader WHERE id = 1 AND epoch = $1::bigint FOR SHARE
), f AS MATERIALIZED (
  SELECT u.*, ${time('u.at_ms')} AS at, fence.epoch
  FROM fence, unnest($2::int[], $3::bytea[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bool[], $8::bool[], $9::float8[])
    AS u(ord, hash, node, chan_id, htlc_id, settled, off_chain, at_ms)
), m AS MATERIALIZED (
  SELECT h.hash, h.node, h.chan_id, h.htlc_id, h.amount_msat, h.fee_msat, h.status::text AS status
  FROM (SELECT DISTINCT hash FROM f) t JOIN lnmux.htlcs h ON h.hash = t.hash
  ORDER BY h.hash, h.node, h.chan_id, h.htlc_id
  FOR UPDATE OF h
), x AS MATERIALIZED (
  SELECT m.*, f.ord, f.settled, f.off_chain, f.at, f.epoch,
    f.ord IS NOT NULL AND m.status = 'SETTLE_REQUESTED' AS fresh,
    CASE WHEN f.ord IS NULL OR m.status <> 'SETTLE_REQUESTED' THEN m.status
      WHEN f.settled THEN 'SETTLED' ELSE 'FAILED' END AS becomes
  FROM m LEFT JOIN f ON (f.node, f.chan_id, f.htlc_id) = (m.node, m.chan_id, m.htlc_id)
), y AS MATERIALIZED (
  SELECT x.*,
    bool_and(becomes <> 'SETTLE_REQUESTED') OVER w AS complete,
    bool_and(becomes = 'SETTLED') OVER w AS all_settled,
    (sum(CASE WHEN becomes = 'SETTLED' THEN amount_msat ELSE 0 END) OVER w)::bigint AS settled_msat,
    max(CASE WHEN fresh THEN ord END) OVER w AS last_ord,
    max(at) OVER w AS last_at
  FROM x WINDOW w AS (PARTITION BY hash)
), recorded AS (
  UPDATE lnmux.htlcs h
  SET status = CASE WHEN y.settled THEN 'SETTLED'::${types.htlc} ELSE 'FAILED' END, finalized_at = y.at,
    off_chain = y.off_chain
  FROM y
  WHERE y.fresh AND (h.node, h.chan_id, h.htlc_id) = (y.node, y.chan_id, y.htlc_id)
), closed AS (
  UPDATE lnmux.invoices i
  SET status = CASE WHEN y.all_settled THEN 'SETTLED'::${types.invoice} ELSE 'FAILED' END, finalized_at = y.last_at,
    settled_msat = y.settled_msat,
    cause = CASE WHEN y.all_settled THEN i.cause WHEN y.settled_msat > 0 THEN 'partially_settled' ELSE 'parts_failed' END
  FROM y
  WHERE y.fresh AND y.ord = y.last_ord AND y.complete AND i.hash = y.hash AND i.status = 'SETTLE_REQUESTED'
  RETURNING i.hash, i.cause
), purged AS (
  DELETE FROM lnmux.failed_htlcs t USING f
  WHERE (t.node, t.chan_id, t.htlc_id) = (f.node, f.chan_id, f.htlc_id)
  RETURNING f.ord, f.at, f.epoch, t.hash, t.set_id, t.node, t.chan_id, t.htlc_id, t.amount_msat, f.settled, f.off_chain
), ends AS MATERIALIZED (
  SELECT y.ord, y.at, y.epoch, y.hash, (SELECT i.set_id FROM lnmux.invoices i WHERE i.hash = y.hash) AS set_id,
    y.node, y.chan_id, y.htlc_id, y.amount_msat, CASE WHEN y.settled THEN y.fee_msat END AS fee_msat,
    y.settled, y.off_chain, 'released' AS from_state,
    CASE WHEN y.ord = y.last_ord AND y.hash IN (SELECT hash FROM closed)
      THEN CASE WHEN y.all_settled THEN 'settled' ELSE 'failed' END END AS invoice_state,
    y.settled_msat
  FROM y WHERE y.fresh
  UNION ALL
  SELECT p.ord, p.at, p.epoch, p.hash, p.set_id, p.node, p.chan_id, p.htlc_id, p.amount_msat, NULL, p.settled, p.off_chain,
    'failing', NULL, NULL
  FROM purged p
), counter AS (
  UPDATE lnmux.event_counter c SET last = c.last + n.lines
  FROM fence, (SELECT count(*) AS lines FROM ends) n WHERE c.id = 1
  RETURNING c.last, n.lines
), appended AS (
  INSERT INTO lnmux.events (seq, at, epoch, hash, set_id, machine, from_state, event, to_state, details)
  SELECT c.last - c.lines + row_number() OVER (ORDER BY e.ord), e.at, e.epoch, e.hash, e.set_id,
    CASE WHEN e.invoice_state IS NULL THEN 'htlcSet' ELSE 'invoice' END,
    CASE WHEN e.invoice_state IS NULL THEN e.from_state ELSE 'settleRequested' END,
    CASE WHEN e.settled THEN 'htlc.settled' ELSE 'htlc.failed' END,
    COALESCE(e.invoice_state, e.from_state),
    jsonb_strip_nulls(jsonb_build_object(
      'part', encode(e.node, 'hex') || ':' || ${unsigned('e.chan_id')} || ':' || ${unsigned('e.htlc_id')},
      'amountMsat', e.amount_msat::text, 'feeMsat', e.fee_msat::text, 'offChain', e.off_chain,
      'settledMsat', CASE WHEN e.invoice_state IS NOT NULL THEN e.settled_msat::text END,
      'cause', CASE WHEN e.invoice_state = 'failed'
        THEN CASE WHEN e.settled_msat > 0 THEN 'partially_settled' ELSE 'parts_failed' END END))
  FROM counter c, ends e
)
SELECT c.last, y.ord, y.complete, y.all_settled, y.settled_msat
FROM counter c LEFT JOIN y ON y.ord IS NOT NULL
`;
}

/** The u64 behind a two's complement column, as text. */
function unsigned(column: string): string {
  return `(CASE WHEN ${column} < 0 THEN ${column} + 18446744073709551616 ELSE ${column} END)`;
}
