-- Two-step, write-once decisions. New columns are nullable: the Go program ignores them and leaves them null.
ALTER TABLE lnmux.invoices
  ADD COLUMN set_id bytea CHECK (length(set_id) = 32),
  ADD COLUMN request_epoch bigint,
  ADD COLUMN released_at timestamptz,
  ADD COLUMN release_epoch bigint,
  ADD COLUMN abort_epoch bigint,
  ADD COLUMN confirm_epoch bigint,
  ADD COLUMN cause text,
  ADD COLUMN settled_msat bigint,
  ADD CONSTRAINT invoices_release_check CHECK (release_epoch IS NULL OR released_at IS NOT NULL),
  ADD CONSTRAINT invoices_settled_msat_check CHECK (settled_msat >= 0);
ALTER TABLE lnmux.htlcs
  ADD COLUMN auto_fail_height integer,
  ADD COLUMN cltv_expiry bigint,
  ADD COLUMN off_chain boolean;

COMMENT ON COLUMN lnmux.invoices.set_id IS 'SHA256 of the sorted HTLC keys; null on rows of the Go program, which count as released';
COMMENT ON COLUMN lnmux.invoices.confirm_epoch IS 'Epoch that last submitted a decision which was recorded already; null after a new one';
COMMENT ON COLUMN lnmux.htlcs.chan_id IS 'u64 as two''s complement';
COMMENT ON COLUMN lnmux.htlcs.htlc_id IS 'u64 as two''s complement';

-- A foreign key makes no index. No index may ever use status: it would fill with dead entries.
CREATE INDEX htlcs_hash ON lnmux.htlcs (hash);
ALTER TABLE lnmux.invoices SET (fillfactor = 85);
ALTER TABLE lnmux.htlcs SET (fillfactor = 85);

-- Durable FAIL of a part, with the bytes that every replay of it gets; deleted at its final event.
CREATE TABLE lnmux.failed_htlcs (
  node bytea NOT NULL CHECK (length(node) = 33),
  chan_id bigint NOT NULL,
  htlc_id bigint NOT NULL,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  set_id bytea NOT NULL CHECK (length(set_id) = 32),
  reason text NOT NULL,
  -- Empty: its onion was never seen by the leader that decided; its node fails it in its own name.
  failure_onion bytea NOT NULL CHECK (length(failure_onion) IN (0, 292)),
  amount_msat bigint NOT NULL CHECK (amount_msat >= 0),
  auto_fail_height integer NOT NULL,
  cltv_expiry bigint NOT NULL,
  decided_at timestamptz NOT NULL,
  epoch bigint NOT NULL,
  confirm_epoch bigint,
  PRIMARY KEY (node, chan_id, htlc_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The Go program called an invoice failed at its first failed part. Here it ends with its last one, so those that have
-- open parts are taken up again: their parts are looked up, and the invoice fails, in part settled or not.
UPDATE lnmux.invoices i SET status = 'SETTLE_REQUESTED', finalized_at = NULL
WHERE i.status = 'FAILED'
  AND EXISTS (SELECT FROM lnmux.htlcs h WHERE h.hash = i.hash AND h.status = 'SETTLE_REQUESTED');
