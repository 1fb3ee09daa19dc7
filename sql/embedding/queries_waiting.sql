-- Texts of the acting tenant that somebody has asked for and that wait.
SELECT pg_catalog.count(*)
  FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.state IN ('queued', 'leased') AND j.priority = 2 AND j.evaluator = 'embedding'
