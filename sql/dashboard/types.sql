-- As series.sql, of what totals know: few rows, whatever series there are.
WITH part AS MATERIALIZED (
    SELECT * FROM unnest($16, $17, $18, $19) AS p (resolution, since, until, sign)
), series AS MATERIALIZED (
    SELECT m.project_id, m.environment, m.event_type, NULL::text AS provider, NULL::text AS model, NULL::text AS route, NULL::text AS tool_name,
           NULL::text AS version, NULL::text AS status,
           g.sign * m.events AS events, g.sign * m.errors AS errors, g.sign * m.timeouts AS timeouts, g.sign * m.billable AS billable,
           g.sign * m.priced AS priced, g.sign * m.input_tokens AS input_tokens, g.sign * m.output_tokens AS output_tokens,
           g.sign * m.cached_input_tokens AS cached_input_tokens, g.sign * m.cache_write_tokens AS cache_write_tokens,
           g.sign * m.reasoning_tokens AS reasoning_tokens, g.sign * m.total_tokens AS total_tokens, g.sign * m.cost_usd AS cost_usd,
           CASE g.sign WHEN 1 THEN m.latency END AS latency, CASE g.sign WHEN -1 THEN m.latency END AS removed_latency,
           CASE g.sign WHEN 1 THEN m.ttft END AS ttft, CASE g.sign WHEN -1 THEN m.ttft END AS removed_ttft
      FROM (VALUES (1), (-1)) g (sign)
     CROSS JOIN LATERAL (
           SELECT m.project_id, m.environment, m.event_type, sum(m.events)::bigint AS events, sum(m.errors)::bigint AS errors,
                  sum(m.timeouts)::bigint AS timeouts, sum(m.billable)::bigint AS billable, sum(m.priced)::bigint AS priced,
                  sum(m.input_tokens)::bigint AS input_tokens, sum(m.output_tokens)::bigint AS output_tokens,
                  sum(m.cached_input_tokens)::bigint AS cached_input_tokens, sum(m.cache_write_tokens)::bigint AS cache_write_tokens,
                  sum(m.reasoning_tokens)::bigint AS reasoning_tokens, sum(m.total_tokens)::bigint AS total_tokens, sum(m.cost_usd) AS cost_usd,
                  observa_internal.merge_latencies(m.latency) FILTER (WHERE $15 = 'events') AS latency,
                  observa_internal.merge_latencies(m.ttft) FILTER (WHERE $15 = 'events') AS ttft
             FROM part p
            CROSS JOIN LATERAL (SELECT * FROM observa_internal.metric_totals m
                                 WHERE m.resolution = p.resolution AND m.bucket >= p.since AND m.bucket < p.until
                                   AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
                                   AND ($3 IS NULL OR m.event_type = $3) OFFSET 0) m
            WHERE p.sign = g.sign
            GROUP BY m.project_id, m.environment, m.event_type) m
    UNION ALL
    SELECT t.project_id, t.environment, t.event_type, NULL, NULL, NULL, NULL, NULL, NULL,
           t.events, t.errors, t.timeouts, t.billable, t.priced, t.input_tokens, t.output_tokens, t.cached_input_tokens, t.cache_write_tokens,
           t.reasoning_tokens, t.total_tokens, t.cost_usd,
           t.latency::observa.histogram, t.removed_latency::observa.histogram, t.ttft::observa.histogram, t.removed_ttft::observa.histogram
      FROM observa_internal.unfolded_totals('minute') t
     WHERE t.bucket >= $4 AND t.bucket < $9
       AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2) AND ($3 IS NULL OR t.event_type = $3)
)
