-- As series.sql, by end user, whose finest rows are hours. Days are only ever added.
WITH span AS MATERIALIZED (
    SELECT * FROM unnest($11, $12, $13, $14) AS p (resolution, since, until, sign)
), part AS (
    SELECT m.user_id AS value, m.events, m.errors, m.timeouts, m.billable, m.priced, m.total_tokens, m.cost_usd
      FROM span p
     CROSS JOIN LATERAL (SELECT * FROM observa_internal.user_metric_days m
                          WHERE p.resolution = 'day' AND m.bucket >= p.since AND m.bucket < p.until
                            AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) OFFSET 0) m
    UNION ALL
    SELECT m.user_id, p.sign * m.events, p.sign * m.errors, p.sign * m.timeouts, p.sign * m.billable, p.sign * m.priced, p.sign * m.total_tokens, p.sign * m.cost_usd
      FROM span p
     CROSS JOIN LATERAL (SELECT * FROM observa_internal.user_metrics m
                          WHERE p.resolution = 'hour' AND m.bucket >= p.since AND m.bucket < p.until
                            AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) OFFSET 0) m
    UNION ALL
    SELECT t.user_id, t.events, t.errors, t.timeouts, t.billable, t.priced, t.total_tokens, t.cost_usd FROM observa_internal.unfolded_users() t
     WHERE t.bucket >= $4 AND t.bucket < $5 AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2)
)
