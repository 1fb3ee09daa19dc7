-- A job that somebody asks for: $1 id, $2 project, $3 environment, $4 evaluator, $5 scope, $6 key, $7 trace, $8 event, $9 time, $10 user. The
-- same waits once. A tenant's requests take turns with those of others.
INSERT INTO observa_internal.analysis_jobs (tenant_id, job_id, project_id, environment, evaluator, scope, trigger, priority, turn,
       dedup_key, trace_id, event_id, ts, user_id)
VALUES (observa.current_tenant(), $1, $2, $3, $4, $5, 'requested', 2,
        (SELECT pg_catalog.count(*) FROM observa_internal.analysis_jobs j
          WHERE j.tenant_id = observa.current_tenant() AND j.state IN ('queued', 'leased') AND j.priority = 2), $6, $7, $8, $9, $10)
    ON CONFLICT DO NOTHING
