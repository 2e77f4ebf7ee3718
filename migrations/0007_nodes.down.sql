ALTER TABLE lnmux.htlcs DROP COLUMN fee_msat;
DROP TABLE lnmux.drained_nodes;
