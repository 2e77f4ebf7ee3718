ALTER TABLE lnmux.invoices ADD COLUMN sequence_num SERIAL UNIQUE;
