-- $1 tenant, $2 a trace id: its row as in traces.sql, of all its projects together. NULL: there is no such trace.
WITH part AS MATERIALIZED (
    SELECT p.trace_id, p.name, p.started_at, p.ended_at, p.latency_ms, p.cost_usd, p.status, p.event_count, p.input_tokens, p.output_tokens, p.models,
           p.user_id
      FROM observa.traces p
     WHERE p.tenant_id = $1 AND p.trace_id = $2
)
SELECT (SELECT json_agg(to_json(t))
          FROM (SELECT p.trace_id, (array_agg(p.name ORDER BY p.started_at) FILTER (WHERE p.name IS NOT NULL))[1] AS name,
                       min(p.started_at) AS started_at, max(p.ended_at) AS ended_at,
                       CASE WHEN count(*) = 1 THEN min(p.latency_ms) ELSE extract(epoch FROM max(p.ended_at) - min(p.started_at)) * 1000 END AS latency_ms,
                       sum(p.cost_usd) AS cost_usd,
                       CASE WHEN bool_or(p.status = 'error') THEN 'error' WHEN bool_or(p.status = 'timeout') THEN 'timeout' ELSE max(p.status) END AS status,
                       sum(p.event_count) AS event_count, sum(p.input_tokens) AS input_tokens, sum(p.output_tokens) AS output_tokens,
                       (SELECT array_agg(DISTINCT m.model ORDER BY m.model) FROM part q CROSS JOIN LATERAL unnest(q.models) AS m (model)) AS models,
                       max(p.user_id) AS user_id
                  FROM part p
                 GROUP BY p.trace_id) t)::text
