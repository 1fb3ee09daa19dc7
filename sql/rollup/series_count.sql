-- Series of the acting tenant that were seen in the last $1 days.
SELECT pg_catalog.count(*) FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant() AND s.last_seen >= (pg_catalog.now() AT TIME ZONE 'UTC')::date - $1
