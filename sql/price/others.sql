-- $1: a source, $2: a tenant, NULL for everybody. Prices from elsewhere that hold for whoever loads.
SELECT price_id::text, provider, model, maps_to, rates, context_window, valid_from, valid_to, hours_utc, weekdays, source,
       'loaded'
  FROM observa_internal.model_prices
 WHERE NOT (loaded_at IS NOT NULL AND source = $1 AND tenant_id IS NOT DISTINCT FROM $2)
   AND project_id IS NULL AND (tenant_id IS NULL OR tenant_id = $2)
