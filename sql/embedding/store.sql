-- What a job has embedded: $1 job, $2 embedding model, $3 hash of the question, $4 vector. An event that is gone by now has none.
INSERT INTO observa_internal.embeddings AS s (tenant_id, ts, event_id, project_id, environment, user_id, model, route, embedding_model,
       question_hash, vector)
SELECT e.tenant_id, e.ts, e.event_id, e.project_id, e.environment, e.user_id, e.model, e.route, $2, $3, $4
  FROM observa_internal.analysis_jobs j
  JOIN observa_internal.events e ON e.tenant_id = j.tenant_id AND e.ts = j.ts AND e.event_id = j.event_id
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
    ON CONFLICT (tenant_id, ts, event_id) DO UPDATE
   SET embedding_model = excluded.embedding_model, question_hash = excluded.question_hash, vector = excluded.vector,
       user_id = excluded.user_id, model = excluded.model, route = excluded.route, created_at = pg_catalog.now()
