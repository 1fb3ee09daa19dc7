-- Events that a translator before version $4 made, from the key after ($1, $3) to the time $2.
SELECT e.ts, e.event_id, e.project_id, e.trace_id, e.span_id, e.parent_span_id, e.name, e.latency_ms, p.error_message,
       p.attributes::text, p.input, p.output
  FROM observa_internal.events e
  JOIN observa_internal.event_payloads p
    ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id AND p.ts >= $1 AND p.ts < $2
 WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $1 AND e.ts < $2 AND (e.ts > $1 OR e.event_id > $3)
   AND e.translator_version < $4
 ORDER BY e.ts, e.event_id
 LIMIT $5
