-- What the acting tenant's own evaluators are shown.
SELECT e.name, e.enabled, e.scope, e.triggers, e.sample_rate, 'context' = ANY (e.variables)
  FROM observa_internal.evaluators e
 WHERE e.tenant_id = observa.current_tenant()
