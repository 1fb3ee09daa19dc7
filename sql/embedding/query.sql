-- $1 tenant, $2 id of a text: its vector, else how its job stands. With the rights of who asks.
SELECT q.embedding_model, q.vector, j.state, coalesce(j.error, j.reason), q.asked_at = pg_catalog.now()
  FROM observa_internal.embedding_queries q
  LEFT JOIN observa_internal.analysis_jobs j ON j.tenant_id = q.tenant_id AND j.job_id = q.job_id
 WHERE q.tenant_id = $1 AND q.query_id = $2
