-- $1: the ids of a person, $2: most rows at once. What log records said of their calls.
DELETE FROM observa_internal.span_contents c
 WHERE c.tenant_id = observa.current_tenant()
   AND (c.trace_id, c.span_id, c.content_id) IN (
       SELECT o.trace_id, o.span_id, o.content_id
         FROM observa_internal.span_contents o
        WHERE o.tenant_id = observa.current_tenant()
          AND o.trace_id IN (SELECT e.trace_id FROM observa_internal.events e
                              WHERE e.tenant_id = observa.current_tenant() AND e.user_id = ANY ($1))
        LIMIT $2)
RETURNING c.content_id
