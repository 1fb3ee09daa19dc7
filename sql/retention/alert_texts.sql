-- $1 project, rows of $2 to before $3, $4 most rows at once. An alert may quote what an error said.
WITH old AS MATERIALIZED (
    SELECT o.alert_id
      FROM observa_internal.alerts o
     WHERE o.tenant_id = observa.current_tenant() AND o.created_at >= $2 AND o.created_at < $3 AND o.project_id = $1
       AND (o.description <> o.title OR o.note IS NOT NULL)
     LIMIT $4
), said AS (
    UPDATE observa_internal.alert_events e
       SET note = NULL
      FROM old o
     WHERE e.tenant_id = observa.current_tenant() AND e.alert_id = o.alert_id AND e.note IS NOT NULL
)
UPDATE observa_internal.alerts a
   SET description = a.title, note = NULL
  FROM old o
 WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = o.alert_id
