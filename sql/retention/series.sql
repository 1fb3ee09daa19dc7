-- $1 days that a series counts after it was seen, $2 most rows at once. Series of the acting tenant that count no more, and of which nothing
-- is kept. What has days keeps them, so each is looked at for a week alone; a correction makes it seen again.
DELETE FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant()
   AND s.series_id IN (
       SELECT o.series_id
         FROM observa_internal.metric_series o
        WHERE o.tenant_id = observa.current_tenant()
          AND o.last_seen < (pg_catalog.now() AT TIME ZONE 'UTC')::date - $1
          AND o.last_seen >= (pg_catalog.now() AT TIME ZONE 'UTC')::date - $1 - 7
          AND NOT EXISTS (SELECT FROM observa_internal.metrics m
                           WHERE m.tenant_id = o.tenant_id AND m.series_id = o.series_id AND m.resolution = 'day')
        LIMIT $2)
