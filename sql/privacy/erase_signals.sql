-- $1, $2: keys of signals, $3, $4: the first and the last time of them. The fact stays, without whose it is and attributes and what an error said, as
-- title of its issue, too: the next error that is nobody's says it again.
-- Locked and joined as in erase_events.sql.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.signals s
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
        ON s.ts = found.ts AND s.signal_id = found.id::uuid
     WHERE s.tenant_id = observa.current_tenant() AND s.ts BETWEEN $3 AND $4
     ORDER BY s.ts, s.signal_id
       FOR UPDATE OF s
), quoted AS MATERIALIZED (
    SELECT DISTINCT coalesce(s.issue_id, observa_internal.issue_of(s.project_id, s.environment, s.name, s.alert_group, s.details)) AS issue_id
      FROM observa_internal.signals s
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
        ON s.ts = found.ts AND s.signal_id = found.id::uuid
     WHERE s.tenant_id = observa.current_tenant() AND s.ts BETWEEN $3 AND $4 AND s.details ? 'error_message'
), unfolded AS (
    UPDATE observa_internal.issue_deltas d
       SET title = pg_catalog.replace(d.name, '_', ' ')
     WHERE d.tenant_id = observa.current_tenant() AND d.issue_id IN (SELECT q.issue_id FROM quoted q)
), folded AS (
    UPDATE observa_internal.issues i
       SET title = pg_catalog.replace(i.name, '_', ' ')
     WHERE i.tenant_id = observa.current_tenant() AND i.issue_id IN (SELECT q.issue_id FROM quoted q)
), decided AS (
    UPDATE observa_internal.issue_states t
       SET note = NULL
     WHERE t.tenant_id = observa.current_tenant() AND t.issue_id IN (SELECT q.issue_id FROM quoted q)
)
UPDATE observa_internal.signals s
   SET user_id = NULL, details = s.details - '{error_message,attributes}'::text[],
       -- A rule may have told people apart.
       alert_group = CASE WHEN s.alert_group = 'user_id=' || s.user_id THEN 'user_id' ELSE s.alert_group END
  FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
 WHERE s.tenant_id = observa.current_tenant() AND s.ts = found.ts AND s.signal_id = found.id::uuid AND s.ts BETWEEN $3 AND $4
   AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING s.signal_id
