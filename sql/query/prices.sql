-- $1: a project of the acting tenant.
SELECT price_id::text, provider, model, maps_to, rates, context_window, valid_from, valid_to,
       CASE WHEN project_id IS NOT NULL THEN 'project' WHEN tenant_id IS NOT NULL THEN 'tenant' ELSE 'loaded' END
  FROM observa_internal.model_prices
 WHERE project_id IS NULL OR project_id = $1
