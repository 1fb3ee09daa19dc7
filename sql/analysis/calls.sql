-- $1 trace of the acting tenant, $2 most calls: where it begins, and the calls with an answer, without those that asked a judge.
(SELECT e.event_id, e.ts, e.project_id, e.environment, e.user_id, false AS answers
   FROM observa_internal.events e
  WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1
  ORDER BY e.ts, e.event_id
  LIMIT 1)
UNION ALL
(SELECT e.event_id, e.ts, e.project_id, e.environment, e.user_id, true
   FROM observa_internal.events e
   LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
  WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1 AND e.event_type = 'llm_call' AND e.status = 'ok'
    AND NOT coalesce(observa_internal.asks_judge(p.input), false)
  ORDER BY e.ts, e.event_id
  LIMIT $2)
