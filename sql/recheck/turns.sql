-- $1 conversations of the acting tenant, $2 and $3 between which times, $4 the newest calls of each, in an order that an index has.
SELECT e.project_id, e.ts, e.event_id, e.event_type, e.status, e.billable, e.environment, e.trace_id, e.span_id, e.parent_span_id, e.agent_name,
       e.route, e.name, e.model, e.tool_name, e.user_id, e.conversation_id, e.session_id, e.message_index, e.input_tokens, NULL::text, NULL::text
  FROM pg_catalog.unnest($1) t (conversation_id)
 CROSS JOIN LATERAL (
       SELECT n.*
         FROM observa_internal.events n
        WHERE n.tenant_id = observa.current_tenant() AND n.conversation_id = t.conversation_id AND n.ts BETWEEN $2 AND $3
          AND n.event_type = 'llm_call' AND n.billable AND n.input_tokens IS NOT NULL
        ORDER BY n.ts DESC
        LIMIT $4) e
