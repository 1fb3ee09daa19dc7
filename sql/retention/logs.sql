-- $1 project, rows of $2 to before $3, $4 most rows at once.
DELETE FROM observa_internal.logs l
 WHERE l.tenant_id = observa.current_tenant() AND l.ts >= $2 AND l.ts < $3
   AND (l.ts, l.log_id) IN (
       SELECT o.ts, o.log_id
         FROM observa_internal.logs o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1
        LIMIT $4)
