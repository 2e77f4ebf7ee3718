-- Circuit keys are unique on one node only. Rows from before can't say which node they belong to.
ALTER TABLE lnmux.htlcs ADD COLUMN node bytea NOT NULL CHECK (length(node) = 33);
ALTER TABLE lnmux.htlcs DROP CONSTRAINT htlcs_pkey;
ALTER TABLE lnmux.htlcs ADD PRIMARY KEY (node, chan_id, htlc_id);
