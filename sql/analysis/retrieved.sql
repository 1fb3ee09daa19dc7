-- $1 trace of the acting tenant, events of $2 to $3, $4 most of them, $5 characters of each: what was retrieved.
SELECT pg_catalog.left(p.output, $5)
  FROM observa_internal.events e
  JOIN observa_internal.event_payloads p ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
 WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1 AND e.ts >= $2 AND e.ts <= $3
   AND e.event_type IN ('retrieval', 'vector_db_operation') AND p.output IS NOT NULL
 ORDER BY e.ts, e.event_id
 LIMIT $4
