-- $1 tenant, $2 project or NULL, $3 since, $4 until: the slowest and the dearest of the tenant's newest traces, as lists of places in the second
-- column. One that goes through several projects is there once, with the sums of all that are asked for.
WITH newest AS MATERIALIZED (
    SELECT t.trace_id, t.project_id, t.name, t.started_at, t.ended_at, t.latency_ms, t.cost_usd, t.status, t.event_count, t.input_tokens,
           t.output_tokens, t.models, t.user_id
      FROM observa.traces t
     WHERE t.tenant_id = $1 AND t.started_at >= $3 AND t.started_at < $4
     ORDER BY t.started_at DESC
     LIMIT 5000
), own AS MATERIALIZED (
    SELECT n.trace_id, (array_agg(n.name ORDER BY n.started_at) FILTER (WHERE n.name IS NOT NULL))[1] AS name,
           min(n.started_at) AS started_at, max(n.ended_at) AS ended_at,
           CASE WHEN count(*) = 1 THEN min(n.latency_ms) ELSE extract(epoch FROM max(n.ended_at) - min(n.started_at)) * 1000 END AS latency_ms,
           sum(n.cost_usd) AS cost_usd,
           CASE WHEN bool_or(n.status = 'error') THEN 'error' WHEN bool_or(n.status = 'timeout') THEN 'timeout' ELSE max(n.status) END AS status,
           sum(n.event_count) AS event_count, sum(n.input_tokens) AS input_tokens, sum(n.output_tokens) AS output_tokens, max(n.user_id) AS user_id
      FROM newest n
     WHERE $2 IS NULL OR n.project_id = $2
     GROUP BY n.trace_id
), ranked AS (
    SELECT o.*, row_number() OVER (ORDER BY o.latency_ms DESC NULLS LAST, o.trace_id) AS slow,
           row_number() OVER (ORDER BY o.cost_usd DESC NULLS LAST, o.trace_id) AS dear
      FROM own o
), shown AS MATERIALIZED (
    SELECT r.*, row_number() OVER (ORDER BY least(r.slow, r.dear), r.slow) - 1 AS place,
           (SELECT array_agg(DISTINCT m.model ORDER BY m.model)
              FROM newest n CROSS JOIN LATERAL unnest(n.models) AS m (model)
             WHERE n.trace_id = r.trace_id AND ($2 IS NULL OR n.project_id = $2)) AS models
      FROM ranked r
     WHERE r.slow <= 6 AND r.latency_ms IS NOT NULL OR r.dear <= 6 AND r.cost_usd > 0
)
SELECT json_build_object(
           'looked_at', (SELECT count(*) FROM own), 'has_more', (SELECT count(*) = 5000 FROM newest), 'shown', '[]'::json,
           'slowest', (SELECT coalesce(json_agg(s.place ORDER BY s.slow), '[]') FROM shown s WHERE s.slow <= 6 AND s.latency_ms IS NOT NULL),
           'dearest', (SELECT coalesce(json_agg(s.place ORDER BY s.dear), '[]') FROM shown s WHERE s.dear <= 6 AND s.cost_usd > 0))::text,
       (SELECT coalesce(json_agg(to_json(s) ORDER BY s.place), '[]') FROM shown s)::text
