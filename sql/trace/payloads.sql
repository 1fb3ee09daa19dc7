-- $1: trace ids, between $2 and $3. What is stored of the calls of these traces.
SELECT e.ts, e.event_id, e.trace_id, e.span_id, p.input, p.output, e.project_id, e.event_type
  FROM observa_internal.events e
  LEFT JOIN observa_internal.event_payloads p
    ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id AND p.ts BETWEEN $2 AND $3
 WHERE e.ts BETWEEN $2 AND $3 AND e.trace_id = ANY ($1) AND e.span_id IS NOT NULL
