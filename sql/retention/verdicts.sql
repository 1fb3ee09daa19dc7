-- $1 project, rows of $2 to before $3, $4 most rows at once.
DELETE FROM observa_internal.analysis_results r
 WHERE r.tenant_id = observa.current_tenant()
   AND r.result_id IN (
       SELECT o.result_id
         FROM observa_internal.analysis_results o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1
        LIMIT $4)
