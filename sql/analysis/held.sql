-- $1 job of the acting tenant, $2 lease: what is known of it, and whether the lease is still its; NULL: somebody else has the row locked, and may
-- be about to change that. Locked to the transaction's end, where the lease is its.
WITH held AS MATERIALIZED (
    SELECT j.job_id FROM observa_internal.analysis_jobs j
     WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1 AND j.lease = $2 AND j.state = 'leased'
       FOR UPDATE SKIP LOCKED
)
SELECT j.project_id, j.evaluator, j.event_id, j.ts, j.asked_version, j.asked_model,
       CASE WHEN EXISTS (SELECT FROM held) THEN true
            WHEN j.lease = $2 AND j.state = 'leased' THEN NULL ELSE false END
  FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
