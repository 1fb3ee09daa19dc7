-- $1: the ids of a person, $2: most rows at once. Lines of their traces, and lines that name them.
DELETE FROM observa_internal.logs l
 WHERE l.tenant_id = observa.current_tenant()
   AND (l.ts, l.log_id) IN (
       SELECT o.ts, o.log_id
         FROM observa_internal.logs o
        WHERE o.tenant_id = observa.current_tenant()
          AND (o.trace_id IN (SELECT e.trace_id FROM observa_internal.events e
                               WHERE e.tenant_id = observa.current_tenant() AND e.user_id = ANY ($1))
               OR o.metadata ->> 'user_id' = ANY ($1))
        LIMIT $2)
RETURNING l.log_id
