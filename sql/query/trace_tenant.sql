-- $1: a trace id. Only a superuser sees it of several tenants: then the own tenant's, else the newest.
SELECT t.tenant_id FROM observa.traces t WHERE t.trace_id = $1
 ORDER BY coalesce(t.tenant_id = observa_internal.own_tenant(), false) DESC, t.started_at DESC
 LIMIT 1
