-- $1 a table of observa_internal: its columns and their types.
SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL)
  FROM pg_catalog.pg_attribute a
 WHERE a.attrelid = ('observa_internal.' || pg_catalog.quote_ident($1))::pg_catalog.regclass
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attnum
