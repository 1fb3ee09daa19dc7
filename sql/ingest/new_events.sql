-- $1: rows of events, in key order, of which none should be there. One that is ends the statement.
INSERT INTO observa_internal.events SELECT * FROM pg_catalog.unnest($1)
