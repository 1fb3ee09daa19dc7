-- $1 tenant, $2 project or NULL, $3 begin of the past, $4 since, $5 until, $6 least vectors, $7 most groups: routes and models with
-- enough vectors now and in the past. With the rights of who asks.
SELECT e.project_id, e.environment, g.kind, g.name, e.embedding_model, pg_catalog.count(*) FILTER (WHERE e.ts >= $4) AS now,
       pg_catalog.count(*) FILTER (WHERE e.ts < $4) AS past
  FROM observa_internal.embeddings e
 CROSS JOIN LATERAL (VALUES ('route', e.route), ('model', e.model)) AS g (kind, name)
 WHERE e.tenant_id = $1 AND ($2 IS NULL OR e.project_id = $2) AND e.ts >= $3 AND e.ts < $5 AND g.name IS NOT NULL
 GROUP BY e.project_id, e.environment, g.kind, g.name, e.embedding_model
HAVING pg_catalog.count(*) FILTER (WHERE e.ts >= $4) >= $6 AND pg_catalog.count(*) FILTER (WHERE e.ts < $4) >= $6
 ORDER BY now DESC, e.project_id, e.environment, g.kind, g.name
 LIMIT $7
