CREATE TABLE lnmux.invoices (
  settle_requested_at timestamptz,
  hash bytea PRIMARY KEY CHECK (length(hash) = 32),
  preimage bytea NOT NULL UNIQUE CHECK (length(preimage) = 32),
  amount_msat bigint NOT NULL CHECK (amount_msat > 0),
  settled boolean NOT NULL DEFAULT false,
  settled_at timestamptz
);

CREATE TABLE lnmux.htlcs (
  settle_requested_at timestamptz,
  hash bytea NOT NULL CHECK (length(hash) = 32),
  chan_id bigint NOT NULL,
  htlc_id bigint NOT NULL,
  amount_msat bigint NOT NULL CHECK (amount_msat > 0),
  settled boolean NOT NULL DEFAULT false,
  settled_at timestamptz,
  CONSTRAINT fk_hash FOREIGN KEY (hash) REFERENCES lnmux.invoices (hash) ON DELETE CASCADE,
  PRIMARY KEY (chan_id, htlc_id)
);
