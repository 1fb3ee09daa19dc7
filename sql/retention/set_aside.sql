-- Days that wait for their archive, the oldest first: their table, and the day since 1970-01-01.
SELECT c.relname::text, parts[1], pg_catalog.to_date(parts[2], 'YYYYMMDD') - '1970-01-01'::date
  FROM pg_catalog.pg_class c,
       pg_catalog.regexp_match(c.relname::text, '^expired_(events|event_payloads|signals|logs)_([0-9]{8})_[0-9]+$') parts
 WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition AND parts IS NOT NULL
 ORDER BY parts[2], c.relname
