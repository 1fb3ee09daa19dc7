-- $1 project, rows of $2 to before $3, $4 most rows at once. What is open stays.
DELETE FROM observa_internal.alerts a
 WHERE a.tenant_id = observa.current_tenant()
   AND a.alert_id IN (
       SELECT o.alert_id
         FROM observa_internal.alerts o
        WHERE o.tenant_id = observa.current_tenant() AND o.created_at >= $2 AND o.created_at < $3 AND o.project_id = $1
          AND o.status IN ('resolved', 'closed')
        LIMIT $4)
