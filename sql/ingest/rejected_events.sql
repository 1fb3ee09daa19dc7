-- $1: rows of rejected_events.
INSERT INTO observa_internal.rejected_events SELECT * FROM pg_catalog.unnest($1)
