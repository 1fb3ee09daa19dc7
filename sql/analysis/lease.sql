-- $1 most judgements, $2 most embeddings, $3 seconds that a lease holds, $4 tries of each. Of all tenants: what was asked for comes first,
-- then what signals asked for, and of each user one after the other. Whoever had one whose lease has ended is taken for dead.
WITH worn_out AS (
    UPDATE observa_internal.analysis_jobs j
       SET state = 'failed', error = 'who judged it ended each time', finished_at = pg_catalog.now(), lease = NULL,
           dedup_key = CASE WHEN j.priority < 2 THEN j.dedup_key END
     WHERE (j.tenant_id, j.job_id) IN (
           SELECT w.tenant_id, w.job_id FROM observa_internal.analysis_jobs w
            WHERE w.state = 'leased' AND w.run_after <= pg_catalog.now() AND w.attempts >= $4
              FOR UPDATE SKIP LOCKED)
), judgements AS MATERIALIZED (
    SELECT j.tenant_id, j.job_id
      FROM observa_internal.analysis_jobs j
     WHERE j.state IN ('queued', 'leased') AND j.run_after <= pg_catalog.now() AND j.attempts < $4 AND j.evaluator <> 'embedding'
     ORDER BY j.priority DESC, j.turn, j.created_at
     LIMIT $1
       FOR UPDATE SKIP LOCKED
), embeddings AS MATERIALIZED (
    SELECT j.tenant_id, j.job_id
      FROM observa_internal.analysis_jobs j
     WHERE j.state IN ('queued', 'leased') AND j.run_after <= pg_catalog.now() AND j.attempts < $4 AND j.evaluator = 'embedding'
     ORDER BY j.priority DESC, j.turn, j.created_at
     LIMIT $2
       FOR UPDATE SKIP LOCKED
)
UPDATE observa_internal.analysis_jobs j
   SET state = 'leased', attempts = j.attempts + 1, lease = pg_catalog.gen_random_uuid(),
       run_after = pg_catalog.now() + pg_catalog.make_interval(secs => $3)
  FROM (SELECT * FROM judgements UNION ALL SELECT * FROM embeddings) d
 WHERE j.tenant_id = d.tenant_id AND j.job_id = d.job_id
RETURNING j.tenant_id, j.job_id, j.lease, j.attempts, j.project_id, j.evaluator, j.scope, j.priority, j.trace_id, j.event_id, j.ts
