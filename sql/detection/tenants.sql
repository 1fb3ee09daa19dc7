-- Tenants that have counted something since $1, a day in UTC, or of whom something is wrong.
SELECT t.tenant_id
  FROM observa_internal.tenants t
 WHERE EXISTS (SELECT FROM observa_internal.metric_series s WHERE s.tenant_id = t.tenant_id AND s.last_seen >= $1)
    OR EXISTS (SELECT FROM observa_internal.rule_states r WHERE r.tenant_id = t.tenant_id)
 ORDER BY t.tenant_id
