-- The acting tenant's newest answers of calls from $1 on, before $2: $3 at most, of 64 kB at most, as they are all in memory.
SELECT e.ts, e.project_id, e.environment, coalesce(e.model, e.response_model, ''), coalesce(e.route, ''), e.finish_reason, p.output
  FROM observa_internal.events e
  JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
 WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $1 AND e.ts < $2 AND e.event_type = 'llm_call' AND e.billable AND e.status = 'ok'
   AND pg_catalog.octet_length(p.output) <= 65536
 ORDER BY e.ts DESC LIMIT $3
