-- $1 trace ids, $2 response ids of the project $3, between $4 and $5: what is stored of the traces, and the calls that were
-- billed for the same answers. A time range, since without one every day's index would be asked; each id by itself (OFFSET 0), since a day without
-- statistics would be read whole for many of them.
SELECT DISTINCT e.ts, e.event_id, e.trace_id, e.span_id, e.parent_span_id, e.event_type, e.name, e.status,
       e.input_tokens IS NOT NULL OR e.output_tokens IS NOT NULL, e.response_id, e.billable, e.session_id, e.user_id,
       e.conversation_id, coalesce(p.has_content, false)
  FROM (SELECT s.*
          FROM pg_catalog.unnest($1) t (trace_id)
         CROSS JOIN LATERAL (SELECT * FROM observa_internal.events n
                              WHERE n.tenant_id = observa.current_tenant() AND n.trace_id = t.trace_id AND n.ts BETWEEN $4 AND $5 OFFSET 0) s
        UNION ALL
        SELECT s.*
          FROM pg_catalog.unnest($2) r (response_id)
         CROSS JOIN LATERAL (SELECT * FROM observa_internal.events n
                              WHERE n.tenant_id = observa.current_tenant() AND n.response_id = r.response_id AND n.billable AND n.project_id = $3
                                AND n.ts BETWEEN $4 AND $5 OFFSET 0) s) e
  LEFT JOIN LATERAL (SELECT n.input IS NOT NULL OR n.output IS NOT NULL AS has_content
                       FROM observa_internal.event_payloads n
                      WHERE e.response_id IS NOT NULL AND n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id
                        AND n.ts BETWEEN $4 AND $5 OFFSET 0) p ON true
 ORDER BY 1, 2
 LIMIT 50000
