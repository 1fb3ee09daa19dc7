-- $1: rows of signals. The table's trigger raises the alerts.
INSERT INTO observa_internal.signals SELECT * FROM pg_catalog.unnest($1)
