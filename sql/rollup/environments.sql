-- Environments of the acting tenant's series.
SELECT DISTINCT s.environment FROM observa_internal.metric_series s WHERE s.tenant_id = observa.current_tenant()
