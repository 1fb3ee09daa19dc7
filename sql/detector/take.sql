-- $1 most of the acting tenant's events at once, the oldest first. Columns as sql/recheck/steps.sql has them, and the event as observa.events shows it.
WITH taken AS (
    DELETE FROM observa_internal.detector_events w
     WHERE w.tenant_id = observa.current_tenant()
       AND w.entry_id IN (SELECT o.entry_id
                            FROM observa_internal.detector_events o
                           WHERE o.tenant_id = observa.current_tenant()
                           ORDER BY o.entry_id
                           LIMIT $1)
    RETURNING w.ts, w.event_id
)
SELECT e.project_id, e.ts, e.event_id, e.event_type, e.status, e.billable, e.environment, e.trace_id, e.span_id, e.parent_span_id, e.agent_name,
       e.route, e.name, e.model, e.tool_name, e.user_id, e.conversation_id, e.session_id, e.message_index, e.input_tokens, NULL::text, NULL::text,
       pg_catalog.to_jsonb(e)
  FROM taken t
  JOIN observa.events e ON e.tenant_id = observa.current_tenant() AND e.ts = t.ts AND e.event_id = t.event_id
