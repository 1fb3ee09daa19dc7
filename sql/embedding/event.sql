-- $1 tenant, $2 event: its vector. With the rights of who asks.
SELECT e.embedding_model, e.vector
  FROM observa_internal.embeddings e
 WHERE e.tenant_id = $1 AND e.event_id = $2
 ORDER BY e.ts DESC
