-- As series.sql, of what totals know: few rows, whatever series there are.
WITH part AS MATERIALIZED (
    SELECT * FROM unnest($11, $12, $13, $14) AS p (resolution, since, until, sign)
), series AS MATERIALIZED (
    SELECT m.project_id, m.environment, m.event_type, NULL::text AS provider, NULL::text AS model, NULL::text AS route, NULL::text AS tool_name,
           NULL::text AS version, NULL::text AS status,
           m.events, m.errors, m.timeouts, m.billable, m.priced, m.input_tokens, m.output_tokens, m.cached_input_tokens, m.cache_write_tokens,
           m.reasoning_tokens, m.total_tokens, m.cost_usd, m.latency, NULL::bytea AS removed_latency, m.ttft, NULL::bytea AS removed_ttft
      FROM (SELECT m.project_id, m.environment, m.event_type, sum(p.sign * m.events)::bigint AS events, sum(p.sign * m.errors)::bigint AS errors,
                   sum(p.sign * m.timeouts)::bigint AS timeouts, sum(p.sign * m.billable)::bigint AS billable, sum(p.sign * m.priced)::bigint AS priced,
                   sum(p.sign * m.input_tokens)::bigint AS input_tokens, sum(p.sign * m.output_tokens)::bigint AS output_tokens,
                   sum(p.sign * m.cached_input_tokens)::bigint AS cached_input_tokens, sum(p.sign * m.cache_write_tokens)::bigint AS cache_write_tokens,
                   sum(p.sign * m.reasoning_tokens)::bigint AS reasoning_tokens, sum(p.sign * m.total_tokens)::bigint AS total_tokens,
                   sum(CASE p.sign WHEN 1 THEN m.cost_usd ELSE - m.cost_usd END) AS cost_usd,
                   observa_internal.net_latencies(CASE p.sign WHEN 1 THEN m.latency END, CASE p.sign WHEN -1 THEN m.latency END)
                       FILTER (WHERE $10 = 'events') AS latency,
                   observa_internal.net_latencies(CASE p.sign WHEN 1 THEN m.ttft END, CASE p.sign WHEN -1 THEN m.ttft END)
                       FILTER (WHERE $10 = 'events') AS ttft
              FROM part p
             CROSS JOIN LATERAL (SELECT * FROM observa_internal.metric_totals m
                                  WHERE m.resolution = p.resolution AND m.bucket >= p.since AND m.bucket < p.until
                                    AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
                                    AND ($3 IS NULL OR m.event_type = $3) OFFSET 0) m
             GROUP BY m.project_id, m.environment, m.event_type) m
    UNION ALL
    SELECT t.project_id, t.environment, t.event_type, NULL, NULL, NULL, NULL, NULL, NULL,
           t.events, t.errors, t.timeouts, t.billable, t.priced, t.input_tokens, t.output_tokens, t.cached_input_tokens, t.cache_write_tokens,
           t.reasoning_tokens, t.total_tokens, t.cost_usd,
           t.latency, t.removed_latency, t.ttft, t.removed_ttft
      FROM observa_internal.unfolded_totals('minute') t
     WHERE t.bucket >= $4 AND t.bucket < $5
       AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2) AND ($3 IS NULL OR t.event_type = $3)
)
