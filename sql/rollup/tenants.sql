-- Tenants that have added something since the last fold.
SELECT DISTINCT d.tenant_id FROM observa_internal.rollup_deltas d ORDER BY d.tenant_id
