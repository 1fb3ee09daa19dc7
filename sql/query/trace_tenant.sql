-- $1: a trace id. Only a superuser sees it of several tenants: then the own tenant's, else the newest.
SELECT t.tenant_id
  FROM (SELECT e.tenant_id, min(e.ts) AS started_at FROM observa_internal.events e WHERE e.trace_id = $1 GROUP BY e.tenant_id) t
 ORDER BY coalesce(t.tenant_id = observa_internal.own_tenant(), false) DESC, t.started_at DESC
 LIMIT 1
