-- Tools that take a third or more of all the time that traces take. What they would save if no call took longer than their median does.
WITH tool AS (
    SELECT m.project_id, m.tool_name, pg_catalog.sum(m.events) AS calls, observa.merge(m.latency) AS latency
      FROM observa.metrics_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $4
       AND m.event_type = 'tool_call' AND m.tool_name IS NOT NULL AND m.tool_name <> 'other'
     GROUP BY m.project_id, m.tool_name
), took AS (
    SELECT t.project_id, t.tool_name, observa.histogram_count(t.latency) AS calls, observa.histogram_mean(t.latency) AS mean_ms,
           observa.quantile(t.latency, 0.5) AS median_ms
      FROM tool t WHERE t.calls >= 20
), whole AS (
    SELECT t.project_id, pg_catalog.count(*) AS traces, pg_catalog.sum(t.latency_ms) AS ms
      FROM observa.traces t
     WHERE t.tenant_id = $1 AND t.started_at >= $3 AND t.started_at < $4 AND ($2 IS NULL OR t.project_id = $2)
       AND EXISTS (SELECT FROM took k WHERE k.mean_ms >= 1000)
     GROUP BY t.project_id
)
SELECT 'slow_tool' AS kind, k.tool_name AS subject,
       'Make this tool faster, or call it beside others: traces wait for it for much of their time' AS advice,
       NULL::numeric AS saving_usd, k.calls * greatest(k.mean_ms - k.median_ms, 0) AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', k.project_id, 'tool', k.tool_name, 'calls', k.calls, 'mean_ms', pg_catalog.round(k.mean_ms::numeric, 1),
           'median_ms', pg_catalog.round(k.median_ms::numeric, 1), 'total_ms', pg_catalog.round((k.calls * k.mean_ms)::numeric),
           'traces', w.traces, 'traces_ms', pg_catalog.round(w.ms::numeric),
           'share', pg_catalog.round((k.calls * k.mean_ms / w.ms)::numeric, 3)) AS evidence,
       CASE WHEN k.calls >= 200 THEN 'high' ELSE 'medium' END AS confidence
  FROM took k
  JOIN whole w ON w.project_id = k.project_id AND w.ms > 0
 WHERE k.mean_ms >= 1000 AND k.calls * k.mean_ms >= w.ms * 0.33
