-- Each form of a body, and what the answer says of bad lines.
\pset format unaligned
SELECT jsonb_pretty(observa.ingest(E'{"event_id": "r1", "model": "m"}
{"event_id": "r1", "model": "m"}
not json

{"model": "m", "latency_ms": "slow"}
{"event_type": "telepathy"}
{"model": "m", "tenant_id": "nobody"}
') - 'batch_id') AS answer;
\pset format aligned
SELECT observa.ingest('[{"event_id": "r2", "model": "m"}, {"model": 5}]'::json) - 'batch_id' AS answer;
SELECT observa.ingest('{"event_id": "r3", "model": "m"}'::bytea) - 'batch_id' AS answer;
SELECT observa.ingest('{"timestamp": "yesterday", "requests": [{"request_id": "r4", "model": "m"}]}') - 'batch_id' AS answer;
SELECT observa.ingest('') - 'batch_id' AS answer;
SELECT observa.ingest(NULL::text);
-- What was not stored, and what becomes of it.
SELECT line, code, field, message, body, attempts FROM observa.rejected_events ORDER BY created_at, line;
UPDATE observa_internal.rejected_events SET body = replace(body, '"slow"', '5');
SELECT observa.replay_rejected() - 'batch_id' - 'errors' AS answer;
SELECT line, code, attempts FROM observa.rejected_events ORDER BY created_at, line;
-- As ObservAI's table was.
INSERT INTO observa.llm_requests (id, model, prompt, temperature, latency_ms) VALUES ('own', 'm', 'mail ada@example.com', 0.5, 12)
RETURNING id, model;
SELECT id, prompt, temperature, latency_ms, success FROM observa.llm_requests WHERE id = 'own';
