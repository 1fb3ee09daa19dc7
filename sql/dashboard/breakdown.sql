-- $8 what it is by, each with its $9 largest, by 'cost', 'failures' or 'events' ($10).
, sums AS (
    SELECT d.dimension, v.value, sum(s.events)::bigint AS events, sum(s.errors)::bigint AS errors, sum(s.timeouts)::bigint AS timeouts,
           sum(s.billable)::bigint AS billable, sum(s.input_tokens)::bigint AS input_tokens, sum(s.output_tokens)::bigint AS output_tokens,
           sum(s.cached_input_tokens)::bigint AS cached_input_tokens, sum(s.cache_write_tokens)::bigint AS cache_write_tokens,
           sum(s.reasoning_tokens)::bigint AS reasoning_tokens, sum(s.total_tokens)::bigint AS total_tokens,
           sum(s.priced)::bigint AS priced, CASE WHEN sum(s.priced) > 0 THEN sum(s.cost_usd) END AS cost_usd,
           observa_internal.latency_summary(s.latency, s.removed_latency) AS latency, observa_internal.latency_summary(s.ttft, s.removed_ttft) AS ttft
      FROM series s
     CROSS JOIN unnest($8) AS d (dimension)
     CROSS JOIN LATERAL (SELECT CASE d.dimension WHEN 'model' THEN s.model WHEN 'provider' THEN s.provider WHEN 'route' THEN s.route
                                     WHEN 'tool' THEN s.tool_name WHEN 'version' THEN s.version WHEN 'status' THEN s.status
                                     WHEN 'environment' THEN s.environment WHEN 'event_type' THEN s.event_type
                                     WHEN 'project' THEN s.project_id::text END AS value) v
     GROUP BY d.dimension, v.value
    HAVING sum(s.events) <> 0
), ranked AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.dimension ORDER BY CASE $10 WHEN 'cost' THEN s.cost_usd WHEN 'failures' THEN s.errors + s.timeouts END DESC NULLS LAST, s.events DESC, s.value) AS place,
           sum(s.events) OVER (PARTITION BY s.dimension) AS all_events, sum(s.cost_usd) OVER (PARTITION BY s.dimension) AS all_cost_usd
      FROM sums s
)
SELECT jsonb_build_object('since', $4, 'until', $5, 'rows', coalesce(jsonb_agg(jsonb_build_object(
    'dimension', r.dimension, 'value', r.value, 'events', r.events, 'errors', r.errors, 'timeouts', r.timeouts,
    'error_rate', (r.errors + r.timeouts) / nullif(r.events, 0)::double precision, 'billable_calls', r.billable,
    'input_tokens', r.input_tokens, 'output_tokens', r.output_tokens, 'cached_input_tokens', r.cached_input_tokens,
    'cache_write_tokens', r.cache_write_tokens, 'reasoning_tokens', r.reasoning_tokens, 'total_tokens', r.total_tokens,
    'cost_usd', r.cost_usd, 'unpriced_calls', r.billable - r.priced,
    'share_of_events', r.events / nullif(r.all_events, 0)::double precision,
    'share_of_cost', (r.cost_usd / nullif(r.all_cost_usd, 0))::double precision)
    || CASE WHEN $10 = 'events' THEN jsonb_build_object(
    'latency_ms_avg', r.latency[1], 'latency_ms_p50', r.latency[2], 'latency_ms_p95', r.latency[4], 'latency_ms_p99', r.latency[5],
    'ttft_ms_p95', r.ttft[4]) ELSE '{}' END ORDER BY r.dimension, r.place), '[]'))
  FROM ranked r
 WHERE r.place <= $9
