-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored. Alerts that signals of theirs are part of
-- may quote what an error of theirs said; shown are those that do, or that theirs raised with a number: others may quote other people.
, told AS NOT MATERIALIZED (
    SELECT s.alert_key, s.signal_id, s.details ->> 'error_message' AS said
      FROM observa_internal.signals s
     WHERE s.tenant_id = observa.current_tenant() AND s.alert_key IS NOT NULL
       AND (s.user_id = $1 OR pg_catalog.right(s.user_id, 17) = $2
            OR EXISTS (SELECT FROM theirs e WHERE e.ts = s.ts AND e.event_id = s.event_id))
)
SELECT a.created_at, a.alert_id::text, CASE WHEN $13 THEN (pg_catalog.to_jsonb(a) - 'tenant_id')::text END
  FROM observa_internal.alerts a
 WHERE a.tenant_id = observa.current_tenant()
   AND a.created_at >= $10 AND (a.created_at > $10 OR a.alert_id::text COLLATE "C" > $11)
   AND (a.assignee = $1
        OR EXISTS (SELECT FROM told t
                    WHERE t.alert_key = a.alert_key
                      AND (NOT $13 OR t.said = a.description OR (t.signal_id = a.opened AND a.threshold_value IS NOT NULL))))
 ORDER BY a.created_at, a.alert_id
 LIMIT $12
