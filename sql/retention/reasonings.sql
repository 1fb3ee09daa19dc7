-- $1 project, rows of $2 to before $3, $4 most rows at once. The verdict stays, what it was said with goes: it quotes what was judged.
UPDATE observa_internal.analysis_results r
   SET reasoning = NULL, label = ''
 WHERE r.tenant_id = observa.current_tenant()
   AND r.result_id IN (
       SELECT o.result_id
         FROM observa_internal.analysis_results o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1 AND o.reasoning IS NOT NULL
        LIMIT $4)
