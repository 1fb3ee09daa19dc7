-- $1 ids of series of the acting tenant: those that are known.
SELECT s.series_id FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant() AND s.series_id = ANY ($1)
