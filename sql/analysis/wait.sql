-- $1 job of the acting tenant, $2 seconds until it is due. It has not been tried.
UPDATE observa_internal.analysis_jobs j
   SET state = 'queued', attempts = j.attempts - 1, lease = NULL, run_after = pg_catalog.now() + pg_catalog.make_interval(secs => $2)
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
