-- $1: ids of dead letters.
DELETE FROM observa_internal.rejected_events r
 WHERE r.tenant_id = observa.current_tenant() AND r.rejected_id = ANY ($1)
RETURNING r.rejected_id
