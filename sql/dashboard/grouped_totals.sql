-- As grouped_series.sql, of what totals know.
, series AS MATERIALIZED (
    SELECT p.project_id, p.environment, p.event_type, NULL::text AS provider, NULL::text AS model, NULL::text AS route,
           NULL::text AS tool_name, NULL::text AS version, NULL::text AS status,
           sum(p.events) AS events, sum(p.errors) AS errors, sum(p.timeouts) AS timeouts, sum(p.billable) AS billable, sum(p.input_tokens) AS input_tokens,
           sum(p.output_tokens) AS output_tokens, sum(p.cached_input_tokens) AS cached_input_tokens, sum(p.cache_write_tokens) AS cache_write_tokens,
           sum(p.reasoning_tokens) AS reasoning_tokens, sum(p.total_tokens) AS total_tokens, sum(p.cost_usd) AS cost_usd,
           observa.merge(p.latency) FILTER (WHERE $15 = 'events') AS latency, observa.merge(p.ttft) FILTER (WHERE $15 = 'events') AS ttft
      FROM part p
     GROUP BY p.project_id, p.environment, p.event_type
)
