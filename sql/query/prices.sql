-- $1 a tenant, $2 a project of it: what is set for the one, or where $2 is NULL for the other, or where both are for everybody.
-- Of prices that begin at one time, the newest wins. Rates as text: no number is to go through a double.
SELECT price_id::text, provider, model, maps_to, rates::text, context_window, valid_from, valid_to, hours_utc, weekdays, source,
       CASE WHEN loaded_at IS NOT NULL THEN 'loaded' WHEN project_id IS NOT NULL THEN 'project' ELSE 'tenant' END
  FROM observa_internal.model_prices
 WHERE tenant_id IS NOT DISTINCT FROM $1 AND project_id IS NOT DISTINCT FROM $2
 ORDER BY created_at DESC, provider, model, price_id
