-- $1 tenant, $2 project or NULL, $3 since, $4 until: the dearest models and routes, and where most fails. It is run over the view of their unit.
WITH metrics AS MATERIALIZED (
    SELECT m.event_type, m.model, m.route, coalesce(m.tool_name, m.model) AS subject, sum(m.events) AS events, sum(m.errors) AS errors,
           sum(m.timeouts) AS timeouts, sum(m.total_tokens) AS tokens, sum(m.cost_usd) AS cost, sum(m.unpriced) AS unpriced,
           observa.merge(m.latency) FILTER (WHERE m.event_type IN ('llm_call', 'embedding')) AS latency
      FROM observa.metrics_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $4
     GROUP BY 1, 2, 3, 4
), used AS MATERIALIZED (
    SELECT grouping(m.model) = 0 AS is_model, CASE WHEN grouping(m.model) = 0 THEN m.model ELSE m.route END AS name, sum(m.events) AS calls,
           sum(m.errors + m.timeouts) AS failed, sum(m.tokens) AS tokens, sum(m.cost) AS cost, sum(m.unpriced) AS unpriced,
           observa.merge(m.latency) AS latency
      FROM metrics m
     WHERE m.event_type IN ('llm_call', 'embedding')
     GROUP BY GROUPING SETS ((m.model), (m.route))
), ranked AS (
    SELECT u.*, row_number() OVER (PARTITION BY u.is_model ORDER BY u.cost DESC NULLS LAST, u.calls DESC, u.name) AS place FROM used u
), told AS (
    SELECT r.is_model, json_agg(json_build_object('name', left(r.name, 200), 'calls', r.calls, 'failed', r.failed, 'tokens', r.tokens, 'cost', r.cost, 'unpriced', r.unpriced,
                                                  'p95', observa.quantile(r.latency, 0.95)) ORDER BY r.place) AS used
      FROM ranked r
     WHERE r.place <= 10
     GROUP BY r.is_model
)
SELECT json_build_object('since', to_char($3 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), 'until', to_char($4 AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
           'models', coalesce((SELECT t.used FROM told t WHERE t.is_model), '[]'),
           'routes', coalesce((SELECT t.used FROM told t WHERE NOT t.is_model), '[]'))::text,
       (SELECT coalesce(json_agg(json_build_object('event_type', p.event_type, 'subject', left(p.subject, 200), 'errors', p.errors, 'timeouts', p.timeouts,
                                                   'events', p.events)), '[]')
          FROM (SELECT m.event_type, m.subject, sum(m.errors) AS errors, sum(m.timeouts) AS timeouts, sum(m.events) AS events
                  FROM metrics m
                 GROUP BY m.event_type, m.subject
                HAVING sum(m.errors + m.timeouts) > 0
                 ORDER BY sum(m.errors + m.timeouts) DESC, m.event_type, m.subject
                 LIMIT 10) p)::text
