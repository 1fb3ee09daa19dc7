-- $1 project, rows of $2 to before $3, $4 most rows at once.
DELETE FROM observa_internal.rejected_events r
 WHERE r.tenant_id = observa.current_tenant()
   AND r.rejected_id IN (
       SELECT o.rejected_id
         FROM observa_internal.rejected_events o
        WHERE o.tenant_id = observa.current_tenant() AND o.created_at >= $2 AND o.created_at < $3 AND o.project_id = $1
        LIMIT $4)
