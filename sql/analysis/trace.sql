-- $1 trace of the acting tenant, events of $2 to $3, $4 most events. Only what is shown to judges: calls with what they were asked and said, and what was retrieved.
SELECT e.event_type, e.status, p.input, p.output,
       pg_catalog.date_part('epoch', pg_catalog.now() - e.ingested_at)::double precision
  FROM observa_internal.events e
  LEFT JOIN observa_internal.event_payloads p ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
 WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1 AND e.ts >= $2 AND e.ts <= $3
 ORDER BY e.ts, e.event_id
 LIMIT $4
