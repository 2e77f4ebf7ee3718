-- How far each webhook has read the events table. The name is the one of the configuration. It moves in the same
-- transaction that makes the jobs.
CREATE TABLE lnmux.webhooks (
  name text PRIMARY KEY,
  cursor bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- The highest sequence number that was ever deleted from the events table: a reader that is before it would miss
-- something. Not beside the counter, whose row every payment writes to.
CREATE TABLE lnmux.event_retention (
  id integer PRIMARY KEY CHECK (id = 1),
  deleted bigint NOT NULL
);
INSERT INTO lnmux.event_retention VALUES (1, 0);
