-- What the caller may read of what is not folded yet.
SELECT d.tenant_id, d.entries FROM observa_internal.rollup_deltas d ORDER BY d.tenant_id, d.delta_id
