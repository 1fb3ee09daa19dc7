-- Traces with a loop, against the mean trace of the same name without one: those that cost less count against the others.
WITH looped AS MATERIALIZED (
    SELECT DISTINCT s.trace_id FROM observa_internal.signals s
     WHERE s.tenant_id = $1 AND s.ts >= $3 AND s.ts < $4 AND ($2 IS NULL OR s.project_id = $2)
       AND s.name = 'agent_loop' AND s.trace_id IS NOT NULL
     LIMIT $5
), trace AS (
    SELECT t.project_id, t.name, t.trace_id, t.cost_usd, t.latency_ms, EXISTS (SELECT FROM looped l WHERE l.trace_id = t.trace_id) AS is_looped
      FROM (SELECT * FROM observa.traces t
             WHERE t.tenant_id = $1 AND t.started_at >= $3 AND t.started_at < $4 AND ($2 IS NULL OR t.project_id = $2)
               AND EXISTS (SELECT FROM looped)
             ORDER BY t.started_at DESC LIMIT $5) t
), usual AS (
    SELECT t.project_id, t.name, pg_catalog.count(*) AS traces, pg_catalog.avg(t.cost_usd) AS cost_usd, pg_catalog.avg(t.latency_ms) AS latency_ms
      FROM trace t WHERE NOT t.is_looped
     GROUP BY t.project_id, t.name
    HAVING pg_catalog.count(*) >= 10
)
SELECT 'loops' AS kind, coalesce(t.name, 'traces without a name') AS subject,
       'Bound the steps of this agent: traces with a loop cost more than those without' AS advice,
       CASE WHEN pg_catalog.sum(t.cost_usd - u.cost_usd) < 0 THEN 0 ELSE pg_catalog.sum(t.cost_usd - u.cost_usd) END AS saving_usd,
       CASE WHEN pg_catalog.sum(t.latency_ms - u.latency_ms) < 0 THEN 0 ELSE pg_catalog.sum(t.latency_ms - u.latency_ms) END AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', t.project_id, 'traces_with_a_loop', pg_catalog.count(*), 'their_cost_usd', pg_catalog.sum(t.cost_usd),
           'traces_without', u.traces, 'mean_cost_without_usd', pg_catalog.round(u.cost_usd, 9),
           'some', (pg_catalog.array_agg(t.trace_id ORDER BY t.cost_usd DESC NULLS LAST))[1:5]) AS evidence,
       CASE WHEN pg_catalog.count(*) >= 20 THEN 'high' ELSE 'medium' END AS confidence
  FROM trace t
  JOIN usual u ON u.project_id = t.project_id AND u.name IS NOT DISTINCT FROM t.name
 WHERE t.is_looped
 GROUP BY t.project_id, t.name, u.traces, u.cost_usd
