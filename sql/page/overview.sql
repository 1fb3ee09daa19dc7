-- $1 tenant, $2 project or NULL, $3 when the window before begins, $4 since, $5 until: sums of both. It is run over the view of the window's unit.
WITH part AS (
    SELECT m.bucket >= $4 AS is_now, sum(m.events) AS events, sum(m.events) FILTER (WHERE m.event_type = 'llm_call') AS calls,
           sum(m.errors + m.timeouts) AS failed, sum(m.total_tokens) AS tokens, sum(m.cost_usd) AS cost, sum(m.unpriced) AS unpriced,
           observa.merge(m.latency) FILTER (WHERE m.event_type = 'llm_call') AS latency, observa.merge(m.users) AS users
      FROM observa.metrics_total_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $5
     GROUP BY 1
)
SELECT json_object_agg(w.name, json_build_object(
           'events', coalesce(p.events, 0), 'calls', coalesce(p.calls, 0), 'failed', coalesce(p.failed, 0), 'tokens', coalesce(p.tokens, 0),
           'cost', p.cost, 'unpriced', coalesce(p.unpriced, 0), 'p50', observa.quantile(p.latency, 0.5), 'p95', observa.quantile(p.latency, 0.95),
           'users', observa.distinct_count(p.users)))::text
  FROM (VALUES ('now', true), ('before', false)) AS w (name, is_now)
  LEFT JOIN part p ON p.is_now = w.is_now
