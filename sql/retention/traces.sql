-- $1 project, rows of $2 to before $3, $4 most rows at once. A trace that goes on stays.
DELETE FROM observa_internal.traces t
 WHERE t.tenant_id = observa.current_tenant()
   AND (t.trace_id, t.project_id) IN (
       SELECT o.trace_id, o.project_id
         FROM observa_internal.traces o
        WHERE o.tenant_id = observa.current_tenant() AND o.started_at >= $2 AND o.started_at < $3 AND o.ended_at < $3
          AND o.project_id = $1
        LIMIT $4)
