-- Seconds that time zone $1 is ahead of UTC between $2 and $3: more than one row where clocks are changed.
SELECT DISTINCT extract(epoch FROM (t.at AT TIME ZONE $1) - (t.at AT TIME ZONE 'UTC'))::bigint
  FROM (SELECT generate_series($2, $3, interval '12 hours') UNION ALL SELECT $3) t (at)
