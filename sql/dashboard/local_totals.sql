-- As totals.sql, for buckets of a time zone: an hour in UTC that is part of two buckets ($10, a unit, of time zone $11) is read by the minute, from
-- $13 on, which is the first such hour that has minutes; infinity: there is none.
WITH part AS (
    SELECT * FROM observa.metrics_total_minute m
     WHERE (m.bucket >= $4 AND m.bucket < $5 OR m.bucket >= $8 AND m.bucket < $9
            OR m.bucket >= greatest($5, $13) AND m.bucket < $8
               AND date_trunc($10, date_trunc('hour', m.bucket, 'UTC'), $11) <> date_trunc($10, date_trunc('hour', m.bucket, 'UTC') + interval '59 minutes', $11))
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_total_hour m
     WHERE (m.bucket >= $5 AND m.bucket < $6 OR m.bucket >= $7 AND m.bucket < $8)
       AND (m.bucket < $13 OR date_trunc($10, m.bucket, $11) = date_trunc($10, m.bucket + interval '59 minutes', $11))
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
    UNION ALL
    SELECT * FROM observa.metrics_total_day m
     WHERE m.bucket >= $6 AND m.bucket < $7
       AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
)
