-- $1 project, rows of $2 to before $3, $4 most rows at once. Their payloads went before.
DELETE FROM observa_internal.events e
 WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $2 AND e.ts < $3
   AND (e.ts, e.event_id) IN (
       SELECT o.ts, o.event_id
         FROM observa_internal.events o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1
        LIMIT $4)
