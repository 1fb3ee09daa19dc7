-- $1 job of the acting tenant, $2 state, $3 error, $4 answer that was not understood, $5 seconds until the next try, $6 whether this one counts.
UPDATE observa_internal.analysis_jobs j
   SET state = $2, error = $3, answer = $4, lease = NULL,
       attempts = j.attempts - CASE WHEN $6 THEN 0 ELSE 1 END,
       run_after = pg_catalog.now() + pg_catalog.make_interval(secs => coalesce($5, 0)),
       finished_at = CASE WHEN $2 <> 'queued' THEN pg_catalog.now() END,
       dedup_key = CASE WHEN $2 = 'queued' OR j.priority < 2 THEN j.dedup_key END
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
