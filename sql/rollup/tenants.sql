-- Tenants that have added something since the last fold, and since when.
SELECT d.tenant_id, min(d.added_at) FROM observa_internal.rollup_deltas d GROUP BY d.tenant_id ORDER BY d.tenant_id
