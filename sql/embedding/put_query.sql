-- $1 id, $2 project that pays, $3 text, $4 job. A row: it is new, or nobody is embedding it.
INSERT INTO observa_internal.embedding_queries AS q (tenant_id, query_id, project_id, text, job_id)
VALUES (observa.current_tenant(), $1, $2, $3, $4)
    ON CONFLICT (tenant_id, query_id) DO UPDATE
   SET project_id = excluded.project_id, text = excluded.text, job_id = excluded.job_id, asked_at = pg_catalog.now()
 WHERE q.vector IS NULL
   AND NOT EXISTS (SELECT FROM observa_internal.analysis_jobs j
                    WHERE j.tenant_id = q.tenant_id AND j.job_id = q.job_id AND j.state IN ('queued', 'leased'))
RETURNING q.query_id
