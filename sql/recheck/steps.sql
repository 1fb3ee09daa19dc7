-- $1 traces of the acting tenant, $2 and $3 between which times, $4 the newest steps of each, in an order that an index has. Of a long content its ends are compared.
SELECT e.project_id, e.ts, e.event_id, e.event_type, e.status, e.billable, e.environment, e.trace_id, e.span_id, e.parent_span_id, e.agent_name,
       e.route, e.name, e.model, e.tool_name, e.user_id, NULL::text, NULL::text, NULL::bigint, NULL::bigint,
       CASE WHEN e.event_type IN ('tool_call', 'retrieval', 'vector_db_operation') THEN c.input END,
       CASE WHEN e.event_type NOT IN ('tool_call', 'retrieval', 'vector_db_operation') THEN c.output END
  FROM pg_catalog.unnest($1) t (trace_id)
 CROSS JOIN LATERAL (
       SELECT n.*
         FROM observa_internal.events n
        WHERE n.tenant_id = observa.current_tenant() AND n.trace_id = t.trace_id AND n.ts BETWEEN $2 AND $3
          AND n.event_type IN ('tool_call', 'llm_call', 'retrieval', 'vector_db_operation', 'reasoning_step', 'agent_create')
        ORDER BY n.ts DESC
        LIMIT $4) e
  LEFT JOIN LATERAL (
       SELECT CASE WHEN pg_catalog.length(p.input) <= 1024 THEN p.input ELSE pg_catalog.left(p.input, 512) || pg_catalog.right(p.input, 512) END AS input,
              CASE WHEN pg_catalog.length(p.output) <= 1024 THEN p.output ELSE pg_catalog.left(p.output, 512) || pg_catalog.right(p.output, 512) END AS output
         FROM observa_internal.event_payloads p
        WHERE p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
       OFFSET 0) c ON true
