-- $1: a source, $2: a tenant, NULL for everybody. What earlier loads left, in the columns of query/prices.sql.
SELECT price_id::text, provider, model, maps_to, rates, context_window, valid_from, valid_to, hours_utc, weekdays, source,
       'loaded'
  FROM observa_internal.model_prices
 WHERE loaded_at IS NOT NULL AND source = $1 AND tenant_id IS NOT DISTINCT FROM $2
 ORDER BY price_id
