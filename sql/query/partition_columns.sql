-- $1 a relation of observa_internal: its columns and their types, and whether to read them runs nothing but PostgreSQL's own functions.
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL),
       c.relkind = 'r' AND t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typtype = 'b'
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = ('observa_internal.' || pg_catalog.quote_ident($1))::pg_catalog.regclass
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
