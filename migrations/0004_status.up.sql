CREATE TYPE lnmux.invoice_status AS ENUM ('SETTLE_REQUESTED', 'SETTLED', 'FAILED');
CREATE TYPE lnmux.htlc_status AS ENUM ('SETTLE_REQUESTED', 'SETTLED', 'FAILED');

-- Nullable first: databases of version 3 hold data.
ALTER TABLE lnmux.invoices ADD COLUMN status lnmux.invoice_status, ADD COLUMN finalized_at timestamptz;
ALTER TABLE lnmux.htlcs ADD COLUMN status lnmux.htlc_status, ADD COLUMN finalized_at timestamptz;
UPDATE lnmux.invoices SET finalized_at = settled_at,
  status = CASE WHEN settled THEN 'SETTLED'::lnmux.invoice_status ELSE 'SETTLE_REQUESTED' END;
UPDATE lnmux.htlcs SET finalized_at = settled_at,
  status = CASE WHEN settled THEN 'SETTLED'::lnmux.htlc_status ELSE 'SETTLE_REQUESTED' END;
-- The checks of the foreign key that the updates have queued must be done before the table changes again.
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE lnmux.invoices ALTER COLUMN status SET NOT NULL, DROP COLUMN settled, DROP COLUMN settled_at;
ALTER TABLE lnmux.htlcs ALTER COLUMN status SET NOT NULL, DROP COLUMN settled, DROP COLUMN settled_at;
