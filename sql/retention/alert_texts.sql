-- $1 project, rows of $2 to before $3, $4 most rows at once. An alert may quote what an error said. Notes have a time of their own
-- (alert_notes.sql), but for those of an older library, which kept no history.
WITH old AS MATERIALIZED (
    SELECT o.alert_id,
           NOT EXISTS (SELECT FROM observa_internal.alert_events n
                        WHERE n.tenant_id = o.tenant_id AND n.alert_id = o.alert_id AND n.note IS NOT NULL) AS has_no_history
      FROM observa_internal.alerts o
     WHERE o.tenant_id = observa.current_tenant() AND o.created_at >= $2 AND o.created_at < $3 AND o.project_id = $1
       AND (o.description <> o.title
            OR o.note IS NOT NULL AND NOT EXISTS (SELECT FROM observa_internal.alert_events n
                                                   WHERE n.tenant_id = o.tenant_id AND n.alert_id = o.alert_id AND n.note IS NOT NULL))
     LIMIT $4
)
UPDATE observa_internal.alerts a
   SET description = a.title, note = CASE WHEN o.has_no_history THEN NULL ELSE a.note END
  FROM old o
 WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = o.alert_id
