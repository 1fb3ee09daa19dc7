-- The same question to the same model again and again, of the newest $5 calls. Some clients store the last message alone: where the calls
-- differ by their tokens, they were different questions ("yes").
WITH sample AS MATERIALIZED (
    SELECT e.project_id, e.ts, e.event_id, e.route, e.model, e.cost_usd, e.latency_ms, e.input_tokens, p.input
      FROM (SELECT * FROM observa_internal.events e
             WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
               AND e.event_type = 'llm_call' AND e.billable AND e.model IS NOT NULL
             ORDER BY e.ts DESC LIMIT $5) e
      JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = e.ts AND p.event_id = e.event_id
     WHERE p.input IS NOT NULL
), same AS (
    SELECT s.project_id, s.route, s.model, pg_catalog.count(*) AS calls,
           pg_catalog.sum(s.cost_usd) - (pg_catalog.array_agg(s.cost_usd ORDER BY s.ts))[1] AS repeated_usd,
           pg_catalog.sum(s.latency_ms) - (pg_catalog.array_agg(s.latency_ms ORDER BY s.ts))[1] AS repeated_ms
      FROM sample s
     GROUP BY s.project_id, s.route, s.model, s.input_tokens, pg_catalog.md5(s.input)
    HAVING pg_catalog.count(*) >= 5
)
SELECT 'identical_calls' AS kind, coalesce(s.route || ': ', '') || s.model AS subject,
       'Keep answers and give them again: the very same input was sent more than once' AS advice,
       pg_catalog.sum(s.repeated_usd) AS saving_usd, pg_catalog.sum(s.repeated_ms) AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', s.project_id, 'route', s.route, 'model', s.model, 'inputs', pg_catalog.count(*),
           'calls', pg_catalog.sum(s.calls), 'repeated_calls', pg_catalog.sum(s.calls) - pg_catalog.count(*),
           'sampled_calls', (SELECT pg_catalog.count(*) FROM sample)) AS evidence,
       CASE WHEN pg_catalog.sum(s.calls) >= 50 THEN 'high' ELSE 'medium' END AS confidence
  FROM same s
 GROUP BY s.project_id, s.route, s.model
