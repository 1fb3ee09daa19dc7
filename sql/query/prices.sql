-- $1: a project of the acting tenant; NULL: what holds for everybody. Of prices that begin at one time, the newest wins.
SELECT price_id::text, provider, model, maps_to, rates, context_window, valid_from, valid_to, hours_utc, weekdays, source,
       CASE WHEN loaded_at IS NOT NULL THEN 'loaded' WHEN project_id IS NOT NULL THEN 'project' ELSE 'tenant' END
  FROM observa_internal.model_prices
 WHERE CASE WHEN $1::uuid IS NULL THEN tenant_id IS NULL
            ELSE tenant_id IS NOT NULL AND (project_id IS NULL OR project_id = $1) END
 ORDER BY created_at DESC, provider, model, price_id
