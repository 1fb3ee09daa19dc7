-- The wording of errors, and their SQLSTATE.
\set VERBOSITY default
\set SHOW_CONTEXT always
SET observa.max_batch_events = 1;
SELECT observa.ingest('[{"model": "m"}, {"model": "m"}]');
\echo :LAST_ERROR_SQLSTATE
RESET observa.max_batch_events;
SET observa.max_batch_bytes = 1024;
SELECT observa.ingest(repeat('x', 1025));
\echo :LAST_ERROR_SQLSTATE
RESET observa.max_batch_bytes;
SELECT observa.ingest('\x1f8b08'::bytea);
\echo :LAST_ERROR_SQLSTATE
-- What PostgreSQL would quote of a body is hidden.
SELECT observa.ingest('{"model": secret}'::json);
\echo :LAST_ERROR_SQLSTATE
SELECT observa.ingest('{"model": "secret"}'::int);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observa.llm_requests (model, latency_ms) VALUES ('m', -1);
\echo :LAST_ERROR_SQLSTATE
SELECT observa.cost('gpt-4o', '{"input_tokens": -1}');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.acknowledge_alert('00000000-0000-0000-0000-000000000001');
\echo :LAST_ERROR_SQLSTATE
UPDATE observa.detection_rules SET name = 'mine' WHERE name = 'token_spike';
\echo :LAST_ERROR_SQLSTATE
UPDATE observa.detection_rules SET unit = 'ms' WHERE name = 'token_spike';
\echo :LAST_ERROR_SQLSTATE
UPDATE observa.evaluators SET version = 9 WHERE name = (SELECT min(name) FROM observa.evaluators);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('b', 5, 'day');
UPDATE observa.budgets SET amount_usd = 6, spent_usd = 0 WHERE name = 'b';
UPDATE observa.budgets SET amount_usd = 6, spent_usd = 1 WHERE name = 'b';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM observa.budgets WHERE name = 'b' AND amount_usd = 6;
INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{"laughter": 1}');
\echo :LAST_ERROR_SQLSTATE
DELETE FROM observa.model_prices WHERE model = 'gpt-4o';
\echo :LAST_ERROR_SQLSTATE
SELECT observa.create_tenant('default');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.create_tenant('');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.create_project('00000000-0000-0000-0000-000000000001', 'shop');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.scrub_emails('00000000-0000-0000-0000-000000000001', true);
\echo :LAST_ERROR_SQLSTATE
SELECT observa.add_scrub_pattern(tenant_id, 'mine', '(') FROM observa_internal.tenants WHERE name = 'default';
\echo :LAST_ERROR_SQLSTATE
SET observa.max_lines = 5;
\echo :LAST_ERROR_SQLSTATE
-- The details list all that would go.
\set VERBOSITY terse
DROP EXTENSION observa;
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY default
-- Somebody without an identity.
CREATE ROLE regress_observa_client;
GRANT observa_ingest, observa_read, observa_admin TO regress_observa_client;
SET SESSION AUTHORIZATION regress_observa_client;
SELECT observa.ingest('{"model": "m"}');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.replay_rejected();
\echo :LAST_ERROR_SQLSTATE
INSERT INTO observa.llm_requests (model) VALUES ('m');
\echo :LAST_ERROR_SQLSTATE
UPDATE observa.detection_rules SET threshold = 1;
\echo :LAST_ERROR_SQLSTATE
SELECT observa.create_tenant('mine');
\echo :LAST_ERROR_SQLSTATE
SELECT observa.setup();
\echo :LAST_ERROR_SQLSTATE
SELECT observa.run_maintenance();
\echo :LAST_ERROR_SQLSTATE
SET observa.acting = '00000000-0000-0000-0000-000000000001/';
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM observa.events;
RESET SESSION AUTHORIZATION;
DROP ROLE regress_observa_client;
