-- What \d shows: the views with their comments, which become PostgREST's OpenAPI, and the functions.
-- Unaligned: a changed comment is a changed line.
\pset format unaligned
SELECT observa.setup();
-- Its title is another one since PostgreSQL 18.
\t on
\dv+ observa.*
\t off
SELECT c.relname AS view, a.attname AS column, col_description(c.oid, a.attnum) AS comment
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'observa'::regnamespace AND col_description(c.oid, a.attnum) IS NOT NULL ORDER BY 1, a.attnum;
\df observa.*
\dn+ observa*
\d observa.alerts
