-- Tenants with something to queue.
SELECT t.tenant_id
  FROM observa_internal.tenants t
 WHERE EXISTS (SELECT FROM observa_internal.analysis_events c WHERE c.tenant_id = t.tenant_id)
 ORDER BY t.tenant_id
