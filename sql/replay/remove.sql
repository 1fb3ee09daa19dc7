-- $1, $2: the letter's key.
DELETE FROM observa_internal.rejected_events WHERE tenant_id = $1 AND rejected_id = $2
