-- $1, $2: keys of events, $3, $4: the first and the last time of them. Counts, tokens and money stay, so that no sum changes; what was
-- said, and the ids that lead to the person, go. Rows are locked in the order of their key, whoever changes them.
WITH theirs AS MATERIALIZED (
    SELECT e.ts, e.event_id
      FROM observa_internal.events e
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, event_id)
        ON e.ts = found.ts AND e.event_id = found.event_id
     WHERE e.tenant_id = observa.current_tenant() AND e.ts BETWEEN $3 AND $4
     ORDER BY e.ts, e.event_id
       FOR UPDATE OF e
), emptied AS (
    DELETE FROM observa_internal.event_payloads p USING theirs t
     WHERE p.tenant_id = observa.current_tenant() AND p.ts = t.ts AND p.event_id = t.event_id AND p.ts BETWEEN $3 AND $4
)
UPDATE observa_internal.events e
   SET user_id = NULL, session_id = NULL, conversation_id = NULL
  FROM theirs t
 WHERE e.tenant_id = observa.current_tenant() AND e.ts = t.ts AND e.event_id = t.event_id AND e.ts BETWEEN $3 AND $4
RETURNING e.event_id
