-- $1: rows of event_payloads, in key order; their events are new.
INSERT INTO observa_internal.event_payloads SELECT * FROM pg_catalog.unnest($1)
