-- Hours of the values of a tag, $3, of the acting tenant: $1 since, $2 before, $4 whether end users are asked for.
SELECT m.project_id, m.environment, m.value, m.bucket, m.events, m.errors + m.timeouts, m.total_tokens, m.cost_usd::double precision,
       CASE WHEN $4 THEN m.users END
  FROM observa_internal.tag_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.tag = $3 AND m.bucket >= $1 AND m.bucket < $2
