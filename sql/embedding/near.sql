-- Of similar.sql: the nearest by pgvector's index, of all there are. As index.sql has it, else the index is of no use.
SELECT n.tenant_id, n.ts, n.event_id, n.project_id, n.model, n.route, n.user_id, n.vector
  FROM observa_internal.embeddings n
 WHERE n.tenant_id = $1 AND ($2 IS NULL OR n.project_id = $2) AND n.ts >= $3 AND n.ts < $4 AND n.embedding_model = $5
   AND ($9::text IS NULL OR n.event_id <> $9) AND pg_catalog.cardinality(n.vector) = {dimensions}
 ORDER BY n.vector::{schema}.{type}({dimensions}) OPERATOR({schema}.<#>) $6::{schema}.{type}({dimensions})
 LIMIT $8
