-- As series.sql, by end user: hours from $4, none from $9.
WITH part AS (
    SELECT m.user_id AS value, m.events, m.errors, m.timeouts, m.priced, m.total_tokens, m.cost_usd FROM observa_internal.user_metrics m
     WHERE m.bucket >= $4 AND m.bucket < $9 AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
    UNION ALL
    SELECT t.user_id, t.events, t.errors, t.timeouts, t.priced, t.total_tokens, t.cost_usd FROM observa_internal.unfolded_users() t
     WHERE t.bucket >= $4 AND t.bucket < $9 AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2)
)
