-- $1 project, rows of $2 to before $3, $4 most rows at once. Who has done something since stays.
DELETE FROM observa_internal.activities a
 WHERE a.tenant_id = observa.current_tenant()
   AND (a.actor, a.id, a.project_id) IN (
       SELECT o.actor, o.id, o.project_id
         FROM observa_internal.activities o
        WHERE o.tenant_id = observa.current_tenant() AND o.last_seen >= $2 AND o.last_seen < $3 AND o.project_id = $1
        LIMIT $4)
