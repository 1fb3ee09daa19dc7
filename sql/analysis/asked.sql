-- $1 job of the acting tenant, $2 version of the evaluator, $3 model that it is asked with.
UPDATE observa_internal.analysis_jobs j SET asked_version = $2, asked_model = $3
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
