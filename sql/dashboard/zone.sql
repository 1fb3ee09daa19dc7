-- Whether all buckets of unit $1 in time zone $2, of those that begin between $3 and $4, begin with an hour and with a day of UTC.
SELECT coalesce(bool_and(extract(epoch FROM b.start)::bigint % 3600 = 0), true), coalesce(bool_and(extract(epoch FROM b.start)::bigint % 86400 = 0), true)
  FROM (SELECT DISTINCT date_trunc($1, t, $2) FROM generate_series($3, $4, interval '12 hours') t
        UNION SELECT date_trunc($1, $4, $2)) b (start)
