-- $1 trace of the acting tenant, events of $2 to $3, $4 most of them, $5 characters of each: what was retrieved.
SELECT pg_catalog.left(p.output, $5)
  FROM observa_internal.events e
  JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
 WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1 AND e.ts >= $2 AND e.ts <= $3
   AND e.event_type IN ('retrieval', 'vector_db_operation') AND p.output IS NOT NULL
 ORDER BY e.ts, e.event_id
 LIMIT $4
