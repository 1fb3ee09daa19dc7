-- $1 tenant, $2 project, $3 environment, $4 embedding model, $5 route or NULL, $6 model or NULL, $7 from, $8 to before, $9 most: a sample
-- that is the same each time, and of each how many days before $8 it was. With the rights of who asks.
SELECT e.vector, pg_catalog.floor(pg_catalog.date_part('epoch', $8 - e.ts) / 86400)::bigint
  FROM observa_internal.embeddings e
 WHERE e.tenant_id = $1 AND e.project_id = $2 AND e.environment = $3 AND e.embedding_model = $4
   AND ($5 IS NULL OR e.route = $5) AND ($6 IS NULL OR e.model = $6) AND e.ts >= $7 AND e.ts < $8
 ORDER BY pg_catalog.hashtextextended(e.event_id, 0), e.ts, e.event_id
 LIMIT $9
