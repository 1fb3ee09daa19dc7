-- As totals.sql, by end user: hours from $4, none from $9.
WITH part AS (
    SELECT m.user_id AS value, m.events, m.errors, m.timeouts, m.tokens, m.cost_usd FROM observa.metrics_user_hour m
     WHERE m.bucket >= $4 AND m.bucket < $9 AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
)
