-- As series.sql, by the values of tag $6: hours from $4, none from $5.
WITH part AS (
    SELECT m.value, m.events, m.errors, m.timeouts, m.billable, m.priced, m.total_tokens, m.cost_usd FROM observa_internal.tag_metrics m
     WHERE m.tag = $6 AND m.bucket >= $4 AND m.bucket < $5 AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2)
    UNION ALL
    SELECT t.value, t.events, t.errors, t.timeouts, t.billable, t.priced, t.total_tokens, t.cost_usd FROM observa_internal.unfolded_tags() t
     WHERE t.tag = $6 AND t.bucket >= $4 AND t.bucket < $5 AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2)
)
