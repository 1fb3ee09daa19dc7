-- $1: trace ids, between $2 and $3. What is stored of the calls of these traces. Each by itself, as stored_spans.sql.
SELECT e.ts, e.event_id, e.trace_id, e.span_id, p.input, p.output, e.project_id, e.event_type
  FROM pg_catalog.unnest($1) t (trace_id)
 CROSS JOIN LATERAL (SELECT * FROM observa_internal.events n
                      WHERE n.tenant_id = observa.current_tenant() AND n.trace_id = t.trace_id AND n.ts BETWEEN $2 AND $3 AND n.span_id IS NOT NULL
                     OFFSET 0) e
  LEFT JOIN LATERAL (SELECT n.input, n.output FROM observa_internal.event_payloads n
                      WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id AND n.ts BETWEEN $2 AND $3
                     OFFSET 0) p ON true
