-- When each bucket of unit $1 in time zone $2 begins that has any of the time from $3 on, before $4, in order. Steps are shorter than any bucket, so that
-- none is left out. A day begins with the first of two midnights, where clocks are set back at midnight.
SELECT DISTINCT CASE WHEN $1 IN ('day', 'week', 'month') AND (b.start - interval '1 hour') AT TIME ZONE $2 = b.start AT TIME ZONE $2
                     THEN b.start - interval '1 hour' ELSE b.start END
  FROM (SELECT DISTINCT date_trunc($1, t.at, $2)
          FROM (SELECT generate_series($3, $4 - interval '1 microsecond', CASE $1 WHEN 'minute' THEN interval '1 minute'
                                                                             WHEN 'hour' THEN interval '15 minutes' ELSE interval '12 hours' END)
                UNION ALL SELECT $4 - interval '1 microsecond') t (at)) b (start)
 ORDER BY 1
