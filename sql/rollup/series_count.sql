-- Series of the acting tenant.
SELECT pg_catalog.count(*) FROM observa_internal.metric_series s WHERE s.tenant_id = observa.current_tenant()
