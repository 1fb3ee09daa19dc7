-- Jobs of the acting tenant that wait or are asked.
SELECT pg_catalog.count(*) FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.state IN ('queued', 'leased')
