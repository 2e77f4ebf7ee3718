ALTER TABLE lnmux.invoices ADD COLUMN settled boolean NOT NULL DEFAULT false, ADD COLUMN settled_at timestamptz;
ALTER TABLE lnmux.htlcs ADD COLUMN settled boolean NOT NULL DEFAULT false, ADD COLUMN settled_at timestamptz;
UPDATE lnmux.invoices SET settled = true, settled_at = finalized_at WHERE status = 'SETTLED';
UPDATE lnmux.htlcs SET settled = true, settled_at = finalized_at WHERE status = 'SETTLED';
SET CONSTRAINTS ALL IMMEDIATE;

-- The enum types may live in any schema: they go by the columns that have them.
DO $$
DECLARE
  types text[] := ARRAY(
    SELECT DISTINCT format('%I.%I', n.nspname, t.typname)
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid IN ('lnmux.invoices'::regclass, 'lnmux.htlcs'::regclass) AND a.attname = 'status'
  );
  name text;
BEGIN
  ALTER TABLE lnmux.invoices DROP COLUMN status, DROP COLUMN finalized_at;
  ALTER TABLE lnmux.htlcs DROP COLUMN status, DROP COLUMN finalized_at;
  FOREACH name IN ARRAY types LOOP
    EXECUTE 'DROP TYPE ' || name;
  END LOOP;
END
$$;
