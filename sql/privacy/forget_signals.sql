-- $1: the ids of a person, $2: most rows at once. The fact stays, without whose it is and what an error said.
UPDATE observa_internal.signals s
   SET user_id = NULL, details = s.details - 'error_message'
 WHERE s.tenant_id = observa.current_tenant()
   AND (s.ts, s.signal_id) IN (
       SELECT o.ts, o.signal_id FROM observa_internal.signals o
        WHERE o.tenant_id = observa.current_tenant() AND o.user_id = ANY ($1)
        LIMIT $2)
RETURNING s.signal_id
