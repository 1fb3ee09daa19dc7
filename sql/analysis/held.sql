-- $1 job of the acting tenant, $2 lease: what is known of it, where the lease is still its. Locked to the transaction's end.
SELECT j.project_id, j.environment, j.evaluator, j.trigger, j.trace_id, j.event_id, j.ts, j.user_id, j.attempts, j.priority
  FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1 AND j.lease = $2 AND j.state = 'leased'
   FOR UPDATE
