-- $1 job of the acting tenant, $2 why it is not judged. It has not been tried.
UPDATE observa_internal.analysis_jobs j
   SET state = 'skipped', reason = $2, attempts = j.attempts - 1, lease = NULL, finished_at = pg_catalog.now(),
       dedup_key = CASE WHEN j.priority < 2 THEN j.dedup_key END
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
