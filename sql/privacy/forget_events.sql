-- $1: the ids of a person, $2: most rows at once. Counts, tokens and money stay, so that no sum changes; what was said, and the ids
-- that lead to the person, go.
WITH theirs AS (
    SELECT e.ts, e.event_id FROM observa_internal.events e
     WHERE e.tenant_id = observa.current_tenant() AND e.user_id = ANY ($1)
     LIMIT $2
), emptied AS (
    DELETE FROM observa_internal.event_payloads p USING theirs t
     WHERE p.tenant_id = observa.current_tenant() AND p.ts = t.ts AND p.event_id = t.event_id
)
UPDATE observa_internal.events e
   SET user_id = NULL, session_id = NULL, conversation_id = NULL
  FROM theirs t
 WHERE e.tenant_id = observa.current_tenant() AND e.ts = t.ts AND e.event_id = t.event_id
RETURNING e.event_id
