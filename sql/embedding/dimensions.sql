-- Of the acting tenant's newest vector, if there are $1 at least.
SELECT pg_catalog.cardinality(e.vector)
  FROM observa_internal.embeddings e
 WHERE e.tenant_id = observa.current_tenant()
   AND (SELECT pg_catalog.count(*) FROM (SELECT FROM observa_internal.embeddings n WHERE n.tenant_id = observa.current_tenant() LIMIT $1) many) >= $1
 ORDER BY e.ts DESC, e.event_id DESC
 LIMIT 1
