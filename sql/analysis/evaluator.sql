-- $1 name of an evaluator of the acting tenant's own.
SELECT e.version, e.enabled, e.scope, e.template, e.response_schema, e.model, e.signal, e.medium_threshold, e.high_threshold, e.variables
  FROM observa_internal.evaluators e
 WHERE e.tenant_id = observa.current_tenant() AND e.name = $1
