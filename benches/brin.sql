-- What a BRIN index on ts would cost and bring, and what freezing early does: 300,000 events of one day, in an empty database with
-- Observa's storage. psql -f benches/brin.sql
SET client_min_messages = warning;
SELECT observa.ingest('{"event_id": "seed", "model": "gpt-4o-mini", "trace_id": "t"}') IS NOT NULL AS ingested;
CREATE TEMP TABLE source AS SELECT * FROM observa_internal.events LIMIT 1;
CREATE UNLOGGED TABLE day AS
SELECT (jsonb_populate_record(s.*, jsonb_build_object('event_id', 'e-' || n, 'trace_id', 't-' || n / 10,
                                                      'ts', date_trunc('day', now()) + n * interval '0.2 s'))).*
  FROM source s, generate_series(1, 300000) n;
CREATE TABLE plain (LIKE observa_internal.events INCLUDING ALL);
CREATE TABLE brin (LIKE observa_internal.events INCLUDING ALL);
CREATE TABLE btree (LIKE observa_internal.events INCLUDING ALL);
CREATE INDEX ON brin USING brin (ts);
CREATE INDEX ON btree (ts);
CHECKPOINT;
\timing on
INSERT INTO plain SELECT * FROM day;
INSERT INTO brin SELECT * FROM day;
INSERT INTO btree SELECT * FROM day;
TRUNCATE plain, brin, btree;
INSERT INTO btree SELECT * FROM day;
INSERT INTO brin SELECT * FROM day;
INSERT INTO plain SELECT * FROM day;
\timing off
VACUUM ANALYZE plain, brin;
\set hour 'ts >= date_trunc(''day'', now()) + interval ''5 h'' AND ts < date_trunc(''day'', now()) + interval ''6 h'''
\timing on
SELECT 'all tenants, plain' AS what, count(*), sum(input_tokens) FROM plain WHERE :hour;
SELECT 'all tenants, BRIN' AS what, count(*), sum(input_tokens) FROM brin WHERE :hour;
SELECT 'one tenant, plain' AS what, count(*), sum(input_tokens) FROM plain WHERE tenant_id = (SELECT tenant_id FROM source) AND :hour;
\timing off
TRUNCATE plain, brin;
INSERT INTO plain SELECT * FROM day;
INSERT INTO brin SELECT * FROM day;
CHECKPOINT;
SELECT pg_current_wal_insert_lsn() AS a \gset
VACUUM plain;
SELECT pg_current_wal_insert_lsn() AS b \gset
SET vacuum_freeze_min_age = 0; VACUUM brin; RESET vacuum_freeze_min_age;
SELECT pg_current_wal_insert_lsn() AS c \gset
VACUUM (FREEZE) plain;
SELECT pg_current_wal_insert_lsn() AS d \gset
VACUUM (FREEZE) brin;
SELECT pg_current_wal_insert_lsn() AS e \gset
SELECT pg_size_pretty(:'b'::pg_lsn - :'a') AS vacuum, pg_size_pretty(:'d'::pg_lsn - :'c') AS "and to freeze it later",
       pg_size_pretty(:'c'::pg_lsn - :'b') AS "vacuum that freezes", pg_size_pretty(:'e'::pg_lsn - :'d') AS "and to freeze it later ";
DROP TABLE day, plain, brin, btree;
