-- $1 tenant, $2 a trace id: its row as in traces.sql, of all its projects together. NULL: there is no such trace.
SELECT (SELECT json_agg(to_json(t))
          FROM (SELECT p.trace_id, (array_agg(p.name ORDER BY p.started_at) FILTER (WHERE p.name IS NOT NULL))[1] AS name,
                       min(p.started_at) AS started_at, max(p.ended_at) AS ended_at,
                       CASE WHEN count(*) = 1 THEN min(p.latency_ms) ELSE extract(epoch FROM max(p.ended_at) - min(p.started_at)) * 1000 END AS latency_ms,
                       sum(p.cost_usd) AS cost_usd,
                       CASE WHEN bool_or(p.status = 'error') THEN 'error' WHEN bool_or(p.status = 'timeout') THEN 'timeout' ELSE 'ok' END AS status,
                       sum(p.event_count) AS event_count, sum(p.input_tokens) AS input_tokens, sum(p.output_tokens) AS output_tokens,
                       (array_agg(p.models ORDER BY p.started_at))[1:1] AS models, max(p.user_id) AS user_id
                  FROM observa.traces p
                 WHERE p.tenant_id = $1 AND p.trace_id = $2
                 GROUP BY p.trace_id) t)::text
