-- What each dashboard begins with, as part: totals of a time. $1 project, $2 environment, $3 type of event, each NULL for all; minutes from $4 and
-- from $8, hours from $5 and from $7, days from $6, none from $9.
WITH part AS (
    SELECT * FROM observa.metrics_total_minute m
     WHERE (m.bucket >= $4 AND m.bucket < $5 OR m.bucket >= $8 AND m.bucket < $9)
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_total_hour m
     WHERE (m.bucket >= $5 AND m.bucket < $6 OR m.bucket >= $7 AND m.bucket < $8)
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_total_day m
     WHERE m.bucket >= $6 AND m.bucket < $7
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
)
