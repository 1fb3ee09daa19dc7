-- As totals.sql, by the series.
WITH part AS (
    SELECT * FROM observa.metrics_minute m
     WHERE (m.bucket >= $4 AND m.bucket < $5 OR m.bucket >= $8 AND m.bucket < $9)
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_hour m
     WHERE (m.bucket >= $5 AND m.bucket < $6 OR m.bucket >= $7 AND m.bucket < $8)
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_day m
     WHERE m.bucket >= $6 AND m.bucket < $7
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
)
