-- Hours of the acting tenant's end users: $1 since, $2 before.
SELECT m.project_id, m.environment, m.user_id, m.bucket, m.events, m.errors + m.timeouts, m.total_tokens, m.cost_usd::double precision
  FROM observa_internal.user_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.bucket >= $1 AND m.bucket < $2
