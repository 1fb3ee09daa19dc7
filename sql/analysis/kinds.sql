-- $1 trace of the acting tenant: its project, whether a call of it has an answer, and whether it retrieves something.
SELECT (pg_catalog.array_agg(e.project_id ORDER BY e.ts))[1], pg_catalog.bool_or(e.event_type = 'llm_call' AND e.status = 'ok'),
       pg_catalog.bool_or(e.event_type IN ('retrieval', 'vector_db_operation'))
  FROM observa_internal.events e
 WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1
