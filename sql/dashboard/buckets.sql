-- When each bucket of unit $1 in time zone $2 begins that has any of the time from $3 on, before $4, in order. Steps are shorter than any bucket, so that
-- none is left out.
SELECT DISTINCT date_trunc($1, t.at, $2)
  FROM (SELECT generate_series($3, $4 - interval '1 microsecond', CASE $1 WHEN 'minute' THEN interval '1 minute'
                                                                     WHEN 'hour' THEN interval '15 minutes' ELSE interval '12 hours' END)
        UNION ALL SELECT $4 - interval '1 microsecond') t (at)
 ORDER BY 1
