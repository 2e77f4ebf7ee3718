-- Leadership: every deciding statement locks the row FOR SHARE and compares the epoch.
CREATE TABLE lnmux.leader (
  id integer PRIMARY KEY CHECK (id = 1),
  epoch bigint NOT NULL,
  owner text NOT NULL,
  expires_at timestamptz NOT NULL
) WITH (fillfactor = 10);
INSERT INTO lnmux.leader VALUES (1, 0, '', '-infinity');

-- Outbox and audit log in one. The sequence comes from a counter row in the same transaction, so that it has no
-- gaps and follows the order of commits.
CREATE TABLE lnmux.event_counter (
  id integer PRIMARY KEY CHECK (id = 1),
  last bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
INSERT INTO lnmux.event_counter VALUES (1, 0);

CREATE TABLE lnmux.events (
  seq bigint PRIMARY KEY,
  at timestamptz NOT NULL,
  epoch bigint NOT NULL,
  hash bytea,
  set_id bytea,
  machine text NOT NULL,
  from_state text NOT NULL,
  event text NOT NULL,
  to_state text NOT NULL,
  details jsonb
);
CREATE INDEX events_hash ON lnmux.events (hash, seq);

-- The highest block height that any leader has seen. It never falls.
CREATE TABLE lnmux.high_water (
  id integer PRIMARY KEY CHECK (id = 1),
  height integer NOT NULL
) WITH (fillfactor = 10);
INSERT INTO lnmux.high_water VALUES (1, 0);
