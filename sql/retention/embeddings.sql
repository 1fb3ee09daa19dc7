-- $1 project, rows of $2 to before $3, $4 most rows at once.
DELETE FROM observa_internal.embeddings r
 WHERE r.tenant_id = observa.current_tenant() AND r.ts >= $2 AND r.ts < $3
   AND (r.ts, r.event_id) IN (
       SELECT o.ts, o.event_id
         FROM observa_internal.embeddings o
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3 AND o.project_id = $1
        LIMIT $4)
