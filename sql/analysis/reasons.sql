-- $1 trace of the acting tenant, $2 most rows: why each of its jobs is there, and what became of it.
SELECT j.evaluator, j.event_id, j.state,
       pg_catalog.concat_ws(': ',
           CASE j.trigger WHEN 'sampled' THEN 'in the sample' WHEN 'requested' THEN 'somebody asked for it' ELSE 'signal ' || j.trigger END,
           coalesce(j.reason, j.error))
  FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.trace_id = $1
 ORDER BY j.created_at, j.job_id
 LIMIT $2
