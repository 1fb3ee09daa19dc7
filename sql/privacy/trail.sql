-- After theirs.sql. The traces of their events (seen), and the traces, sessions and conversations among them whose events name
-- nobody else.
, met AS MATERIALIZED (
    SELECT DISTINCT project_id, trace_id, session_id, conversation_id FROM theirs
), others AS NOT MATERIALIZED (
    SELECT e.project_id, e.trace_id, e.session_id, e.conversation_id
      FROM observa_internal.events e
     WHERE e.tenant_id = observa.current_tenant() AND e.user_id <> $1 AND pg_catalog.right(e.user_id, 17) <> $2
)
SELECT 'seen', NULL::uuid, m.trace_id FROM met m WHERE m.trace_id IS NOT NULL
 UNION
SELECT 'trace', NULL, m.trace_id FROM met m
 WHERE m.trace_id IS NOT NULL AND NOT EXISTS (SELECT FROM others o WHERE o.trace_id = m.trace_id)
 UNION
SELECT 'session', m.project_id, m.session_id FROM met m
 WHERE m.session_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM others o WHERE o.project_id = m.project_id AND o.session_id = m.session_id)
 UNION
SELECT 'conversation', m.project_id, m.conversation_id FROM met m
 WHERE m.conversation_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM others o WHERE o.project_id = m.project_id AND o.conversation_id = m.conversation_id)
