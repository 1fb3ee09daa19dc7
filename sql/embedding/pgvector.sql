-- Where pgvector is, as part of a statement; no row: nowhere, or out of reach, or older than 0.8, which ends a search at the first 40
-- vectors, whosever they are.
SELECT pg_catalog.quote_ident(n.nspname)
  FROM pg_catalog.pg_extension e
  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
 WHERE e.extname = 'vector' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
   AND pg_catalog.regexp_match(e.extversion, '^(\d{1,4})\.(\d{1,4})')::integer[] >= '{0,8}'
