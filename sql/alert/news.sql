-- Tenants whose alerts have changed, or may be missing.
SELECT a.tenant_id FROM observa_internal.alerts a WHERE a.told IS DISTINCT FROM a.status OR a.told_reopened IS DISTINCT FROM a.reopened
UNION
SELECT c.tenant_id FROM observa_internal.alert_candidates c
ORDER BY 1
