-- As totals.sql, by the values of tag $10: hours from $4, none from $9.
WITH part AS (
    SELECT m.value, m.events, m.errors, m.timeouts, m.tokens, m.cost_usd FROM observa.metrics_tag_hour m
     WHERE m.tag = $10 AND m.bucket >= $4 AND m.bucket < $9 AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
)
