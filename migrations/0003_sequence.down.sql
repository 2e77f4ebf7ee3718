ALTER TABLE lnmux.invoices DROP COLUMN sequence_num;
