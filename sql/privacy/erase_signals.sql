-- $1, $2: keys of signals, $3, $4: the first and the last time of them. The fact stays, without whose it is, what an error said, and attributes.
-- Locked and joined as in erase_events.sql.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.signals s
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
        ON s.ts = found.ts AND s.signal_id = found.id::uuid
     WHERE s.tenant_id = observa.current_tenant() AND s.ts BETWEEN $3 AND $4
     ORDER BY s.ts, s.signal_id
       FOR UPDATE OF s
)
UPDATE observa_internal.signals s
   SET user_id = NULL, details = s.details - '{error_message,attributes}'::text[],
       -- A rule may have told people apart.
       alert_group = CASE WHEN s.alert_group = 'user_id=' || s.user_id THEN 'user_id' ELSE s.alert_group END
  FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
 WHERE s.tenant_id = observa.current_tenant() AND s.ts = found.ts AND s.signal_id = found.id::uuid AND s.ts BETWEEN $3 AND $4
   AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING s.signal_id
