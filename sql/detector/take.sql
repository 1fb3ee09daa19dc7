-- $1 most of the acting tenant's events at once, the oldest first, and $2 bytes of their contents (of one event any number); $3 before which
-- (UUIDv7) they waited for too long: those are asked about no more. Columns as sql/recheck/steps.sql has them, and the event as observa.events shows it, as text.
WITH oldest AS MATERIALIZED (
    SELECT o.entry_id, o.ts, o.event_id
      FROM observa_internal.detector_events o
     WHERE o.tenant_id = observa.current_tenant() AND o.entry_id >= $3
     ORDER BY o.entry_id
     LIMIT $1
), sized AS MATERIALIZED (
    SELECT o.entry_id, o.ts, o.event_id, pg_catalog.row_number() OVER w AS place,
           pg_catalog.sum(coalesce(pg_catalog.octet_length(p.input), 0) + coalesce(pg_catalog.octet_length(p.output), 0)
                          + coalesce(pg_catalog.octet_length(p.error_message), 0) + coalesce(pg_catalog.pg_column_size(p.attributes), 0)) OVER w AS bytes
      FROM oldest o
      LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = observa.current_tenant() AND n.ts = o.ts AND n.event_id = o.event_id OFFSET 0) p ON true
    WINDOW w AS (ORDER BY o.entry_id)
), taken AS MATERIALIZED (
    SELECT s.entry_id, s.ts, s.event_id FROM sized s WHERE s.bytes <= $2 OR s.place = 1
), gone AS (
    DELETE FROM observa_internal.detector_events w
     WHERE w.tenant_id = observa.current_tenant() AND (w.entry_id < $3 OR w.entry_id IN (SELECT t.entry_id FROM taken t))
)
SELECT e.project_id, e.ts, e.event_id, e.event_type, e.status, e.billable, e.environment, e.trace_id, e.span_id, e.parent_span_id, e.agent_name,
       e.route, e.name, e.model, e.tool_name, e.user_id, e.conversation_id, e.session_id, e.message_index, e.input_tokens, NULL::text, NULL::text,
       pg_catalog.to_jsonb(e)::text
  FROM taken t
  JOIN observa.events e ON e.tenant_id = observa.current_tenant() AND e.ts = t.ts AND e.event_id = t.event_id
