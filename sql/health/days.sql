-- Days that events have partitions for.
SELECT pg_catalog.count(*) FROM pg_catalog.pg_inherits i
 WHERE i.inhparent = pg_catalog.to_regclass('observa_internal.events')
