-- $1 tenant, $2 project or NULL, $3 since, $4 until, $5 embedding model or NULL for the newest one's, $6 most, which are the newest. With the
-- rights of who asks.
SELECT e.event_id, e.ts, e.question_hash, e.vector, e.embedding_model
  FROM observa_internal.embeddings e
 WHERE e.tenant_id = $1 AND ($2 IS NULL OR e.project_id = $2) AND e.ts >= $3 AND e.ts < $4
   AND e.embedding_model = coalesce($5, (SELECT n.embedding_model
                                           FROM observa_internal.embeddings n
                                          WHERE n.tenant_id = $1 AND ($2 IS NULL OR n.project_id = $2) AND n.ts >= $3 AND n.ts < $4
                                          ORDER BY n.ts DESC, n.event_id DESC
                                          LIMIT 1))
 ORDER BY e.ts DESC, e.event_id DESC
 LIMIT $6
