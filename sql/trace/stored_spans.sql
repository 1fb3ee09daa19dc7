-- $1 trace ids, $2 response ids of the project $3, between $4 and $5: what is stored of the traces, and the calls that were
-- billed for the same answers. A time range, since without one every day's index would be asked.
SELECT e.ts, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.event_type, e.name, e.status,
       e.input_tokens IS NOT NULL OR e.output_tokens IS NOT NULL, e.response_id, e.billable, e.session_id, e.user_id,
       e.conversation_id, e.response_id IS NOT NULL AND EXISTS (SELECT FROM observa_internal.event_payloads p
                                                                 WHERE p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
                                                                   AND p.ts BETWEEN $4 AND $5 AND (p.input IS NOT NULL OR p.output IS NOT NULL))
  FROM observa_internal.events e
 WHERE e.ts BETWEEN $4 AND $5 AND e.trace_id = ANY ($1)
UNION
SELECT e.ts, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.event_type, e.name, e.status,
       e.input_tokens IS NOT NULL OR e.output_tokens IS NOT NULL, e.response_id, e.billable, e.session_id, e.user_id,
       e.conversation_id, e.response_id IS NOT NULL AND EXISTS (SELECT FROM observa_internal.event_payloads p
                                                                 WHERE p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
                                                                   AND p.ts BETWEEN $4 AND $5 AND (p.input IS NOT NULL OR p.output IS NOT NULL))
  FROM observa_internal.events e
 WHERE e.ts BETWEEN $4 AND $5 AND e.response_id = ANY ($2) AND e.billable AND e.project_id = $3
 ORDER BY 1, 2
 LIMIT 50000
