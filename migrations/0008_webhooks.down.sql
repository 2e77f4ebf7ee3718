DROP TABLE lnmux.event_retention;
DROP TABLE lnmux.webhooks;
