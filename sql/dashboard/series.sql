-- What each breakdown begins with, as series: sums over a time by those of the names of series that are asked for ($8), the others NULL. $1 project, $2 environment,
-- $3 type of event, each NULL for all; $11 to $14 the parts of the time: rows of a resolution, from when on, before when, and whether they are added (1) or
-- taken out (-1). What is not folded yet is told by the minute, from $4 on, before $5, with all its names.
-- Rows find what they are summed up by with a number: of series there may be thousands, and each would have histograms of its own. OFFSET 0: each part is a range of
-- the index, whatever the planner thinks of arrays. No two tenants have the same series_id, and a comparison of tenants would be made for each row. Latencies are dear
-- to merge, and only shown by 'events' ($10).
WITH part AS MATERIALIZED (
    SELECT * FROM unnest($11, $12, $13, $14) AS p (resolution, since, until, sign)
), named AS MATERIALIZED (
    SELECT row_number() OVER () AS place, array_agg(s.series_id) AS series_ids, n.*
      FROM observa_internal.metric_series s
     CROSS JOIN LATERAL (SELECT CASE WHEN 'project' = ANY ($8) THEN s.project_id END AS project_id,
                                CASE WHEN 'environment' = ANY ($8) THEN s.environment END AS environment,
                                CASE WHEN 'event_type' = ANY ($8) THEN s.event_type END AS event_type,
                                CASE WHEN 'provider' = ANY ($8) THEN s.provider END AS provider,
                                CASE WHEN 'model' = ANY ($8) THEN s.model END AS model, CASE WHEN 'route' = ANY ($8) THEN s.route END AS route,
                                CASE WHEN 'tool' = ANY ($8) THEN s.tool_name END AS tool_name,
                                CASE WHEN 'version' = ANY ($8) THEN s.version END AS version,
                                CASE WHEN 'status' = ANY ($8) THEN s.status END AS status) n
     WHERE ($1 IS NULL OR s.project_id = $1) AND ($2 IS NULL OR s.environment = $2) AND ($3 IS NULL OR s.event_type = $3)
     GROUP BY n.project_id, n.environment, n.event_type, n.provider, n.model, n.route, n.tool_name, n.version, n.status
), series AS MATERIALIZED (
    SELECT s.project_id, s.environment, s.event_type, s.provider, s.model, s.route, s.tool_name, s.version, s.status,
           m.events, m.errors, m.timeouts, m.billable, m.priced, m.input_tokens, m.output_tokens, m.cached_input_tokens, m.cache_write_tokens,
           m.reasoning_tokens, m.total_tokens, m.cost_usd, m.latency, NULL::bytea AS removed_latency, m.ttft, NULL::bytea AS removed_ttft
      FROM (SELECT n.place, sum(p.sign * m.events)::bigint AS events, sum(p.sign * m.errors)::bigint AS errors,
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
             CROSS JOIN LATERAL (SELECT * FROM observa_internal.metrics m
                                  WHERE m.resolution = p.resolution AND m.bucket >= p.since AND m.bucket < p.until OFFSET 0) m
              JOIN (SELECT n.place, unnest(n.series_ids) AS series_id FROM named n) n ON n.series_id = m.series_id
             GROUP BY n.place) m
      JOIN named s ON s.place = m.place
    UNION ALL
    SELECT t.project_id, t.environment, t.event_type, t.provider, t.model, t.route, t.tool_name, t.version, t.status,
           t.events, t.errors, t.timeouts, t.billable, t.priced, t.input_tokens, t.output_tokens, t.cached_input_tokens, t.cache_write_tokens,
           t.reasoning_tokens, t.total_tokens, t.cost_usd,
           t.latency, t.removed_latency, t.ttft, t.removed_ttft
      FROM observa_internal.unfolded_metrics('minute') t
     WHERE t.bucket >= $4 AND t.bucket < $5
       AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2) AND ($3 IS NULL OR t.event_type = $3)
)
