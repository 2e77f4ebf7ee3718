-- Nodes that the operator wants no new payments on: the order outlives restarts and changes of the lead.
CREATE TABLE lnmux.drained_nodes (
  node bytea PRIMARY KEY CHECK (length(node) = 33),
  refuse_parts boolean NOT NULL,
  since timestamptz NOT NULL,
  epoch bigint NOT NULL
);

-- What a part brought its node: the incoming amount less the one that counts towards the invoice. Null on rows of the
-- Go program and of earlier versions.
ALTER TABLE lnmux.htlcs ADD COLUMN fee_msat bigint CHECK (fee_msat >= 0);
