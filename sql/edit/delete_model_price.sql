-- $1: the old row of the view.
DELETE FROM observa_internal.model_prices
 WHERE price_id = ($1 ->> 'id')::uuid AND tenant_id = observa.current_tenant()
