-- Environments of the acting tenant's series that were seen in the last $1 days.
SELECT DISTINCT s.environment FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant() AND s.last_seen >= (pg_catalog.now() AT TIME ZONE 'UTC')::date - $1
