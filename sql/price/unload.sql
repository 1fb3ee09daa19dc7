-- $1: a source, $2: a tenant, NULL for everybody.
DELETE FROM observa_internal.model_prices
 WHERE loaded_at IS NOT NULL AND source = $1 AND tenant_id IS NOT DISTINCT FROM $2
