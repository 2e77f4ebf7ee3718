DROP TABLE lnmux.htlcs;
DROP TABLE lnmux.invoices;
