-- $1 tenant, $2 project or NULL, $3 since, $4 until, $5 minute, hour or day: its sums, each bucket once. It is run over the view of that unit.
WITH summed AS (
    SELECT m.bucket, sum(m.events) FILTER (WHERE m.event_type = 'llm_call') AS calls, sum(m.errors) AS errors, sum(m.timeouts) AS timeouts,
           sum(m.cost_usd) AS cost, observa.merge(m.latency) FILTER (WHERE m.event_type = 'llm_call') AS latency
      FROM observa.metrics_total_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $4
     GROUP BY m.bucket
)
SELECT json_agg(json_build_object(
           'at', to_char(t.at, CASE $5 WHEN 'day' THEN 'YYYY-MM-DD' ELSE 'MM-DD HH24:MI' END),
           'calls', coalesce(s.calls, 0), 'errors', coalesce(s.errors, 0), 'timeouts', coalesce(s.timeouts, 0), 'cost', s.cost,
           'p50', observa.quantile(s.latency, 0.5), 'p95', observa.quantile(s.latency, 0.95), 'p99', observa.quantile(s.latency, 0.99))
           ORDER BY t.at)::text
  FROM generate_series($3 AT TIME ZONE 'UTC', $4 AT TIME ZONE 'UTC' - interval '1 microsecond', ('1 ' || $5)::interval) AS t (at)
  LEFT JOIN summed s ON s.bucket = t.at AT TIME ZONE 'UTC'
