-- Calls that failed and were made again with the same input in the same trace: what they took, and, where a client reports that
-- failed calls cost something, what. Of the newest $5 failures.
WITH failed AS MATERIALIZED (
    SELECT e.project_id, e.trace_id, e.ts, e.event_id, e.event_type, e.route, e.model, e.tool_name, e.latency_ms, e.error_type,
           coalesce(e.cost_usd, e.reported_cost_usd) AS cost_usd
      FROM observa_internal.events e
     WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
       AND e.status IN ('error', 'timeout') AND e.event_type IN ('llm_call', 'tool_call') AND e.trace_id IS NOT NULL
     ORDER BY e.ts DESC LIMIT $5
), again AS (
    SELECT f.*
      FROM failed f
     WHERE EXISTS (SELECT FROM observa_internal.events n
                    WHERE n.tenant_id = $1 AND n.trace_id = f.trace_id AND n.event_type = f.event_type
                      AND n.model IS NOT DISTINCT FROM f.model AND n.tool_name IS NOT DISTINCT FROM f.tool_name
                      AND n.ts > f.ts AND n.ts <= f.ts + interval '10 minutes'
                      AND (SELECT p.input FROM observa_internal.event_payloads p WHERE p.tenant_id = $1 AND p.ts = n.ts AND p.event_id = n.event_id)
                        = (SELECT p.input FROM observa_internal.event_payloads p WHERE p.tenant_id = $1 AND p.ts = f.ts AND p.event_id = f.event_id))
)
SELECT 'retries' AS kind, coalesce(a.route || ': ', '') || coalesce(a.tool_name, a.model, a.event_type) AS subject,
       'Mend what fails, or give up sooner: these calls failed and were made again' AS advice,
       pg_catalog.sum(a.cost_usd) AS saving_usd, pg_catalog.sum(a.latency_ms) AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', a.project_id, 'route', a.route, 'model', a.model, 'tool', a.tool_name, 'repeated_failures', pg_catalog.count(*),
           'traces', pg_catalog.count(DISTINCT a.trace_id), 'most_frequent_error', pg_catalog.mode() WITHIN GROUP (ORDER BY a.error_type),
           'sampled_failures', (SELECT pg_catalog.count(*) FROM failed)) AS evidence,
       'high' AS confidence
  FROM again a
 GROUP BY a.project_id, a.event_type, a.route, a.model, a.tool_name
HAVING pg_catalog.count(*) >= 5
