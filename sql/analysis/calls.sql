-- $1 trace of the acting tenant, $2 most calls: those with an answer, by which it is found where a judge looks at events; and where the whole
-- of it is.
SELECT e.event_id, e.ts, e.project_id, e.environment, e.user_id,
       e.event_type = 'llm_call' AND e.status = 'ok' AS answers
  FROM observa_internal.events e
 WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1
 ORDER BY e.ts, e.event_id
 LIMIT $2
