-- $1 project, notes of $2 to before $3, $4 most rows at once. However old its alert is, a note is as old as itself; an alert shows its newest.
WITH old AS MATERIALIZED (
    SELECT n.alert_id, n.event_id
      FROM observa_internal.alert_events n
      JOIN observa_internal.alerts o ON o.tenant_id = n.tenant_id AND o.alert_id = n.alert_id
     WHERE n.tenant_id = observa.current_tenant() AND n.at >= $2 AND n.at < $3 AND n.note IS NOT NULL AND o.project_id = $1
     LIMIT $4
), shown AS (
    UPDATE observa_internal.alerts a
       SET note = NULL
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_id IN (SELECT o.alert_id FROM old o)
       AND NOT EXISTS (SELECT FROM observa_internal.alert_events k
                        WHERE k.tenant_id = a.tenant_id AND k.alert_id = a.alert_id AND k.note IS NOT NULL AND k.at >= $3)
)
UPDATE observa_internal.alert_events e
   SET note = NULL
  FROM old o
 WHERE e.tenant_id = observa.current_tenant() AND e.alert_id = o.alert_id AND e.event_id = o.event_id
