-- $1 tenant, $2 project or NULL, $3 since, $4 until, $5 embedding model, $6 how many would be many. With the rights of who asks.
SELECT pg_catalog.count(*) >= $6
  FROM (SELECT
          FROM observa_internal.embeddings n
         WHERE n.tenant_id = $1 AND ($2 IS NULL OR n.project_id = $2) AND n.ts >= $3 AND n.ts < $4 AND n.embedding_model = $5
         LIMIT $6) found
