-- Circuit keys are unique on one node only. Rows from before can't say which node they belong to: the operator names
-- it, and the migrator hands it over in the setting lnmux.node, as hex digits.
ALTER TABLE lnmux.htlcs ADD COLUMN node bytea CONSTRAINT htlcs_node_check CHECK (length(node) = 33);
UPDATE lnmux.htlcs SET node = decode(current_setting('lnmux.node', true), 'hex');
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE lnmux.htlcs ALTER COLUMN node SET NOT NULL;
ALTER TABLE lnmux.htlcs DROP CONSTRAINT htlcs_pkey;
ALTER TABLE lnmux.htlcs ADD PRIMARY KEY (node, chan_id, htlc_id);
