-- $1 a partitioned table of observa_internal, $2 the name that the partition of the first day to keep has.
SELECT c.relname::text
  FROM pg_catalog.pg_inherits i
  JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = ('observa_internal.' || $1)::pg_catalog.regclass AND c.relname < $2
 ORDER BY c.relname
