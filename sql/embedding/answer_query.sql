-- A text that somebody searches by: $1 job, $2 embedding model, $3 vector. The text has served.
UPDATE observa_internal.embedding_queries q
   SET embedding_model = $2, vector = $3, text = NULL
 WHERE q.tenant_id = observa.current_tenant() AND q.job_id = $1
