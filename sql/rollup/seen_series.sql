-- $1 ids of series of the acting tenant that have come: at most one write of each a day.
UPDATE observa_internal.metric_series s SET last_seen = (pg_catalog.now() AT TIME ZONE 'UTC')::date
 WHERE s.tenant_id = observa.current_tenant() AND s.series_id = ANY ($1) AND s.last_seen < (pg_catalog.now() AT TIME ZONE 'UTC')::date
