ALTER TABLE lnmux.htlcs DROP CONSTRAINT htlcs_pkey;
ALTER TABLE lnmux.htlcs DROP COLUMN node;
ALTER TABLE lnmux.htlcs ADD PRIMARY KEY (chan_id, htlc_id);
