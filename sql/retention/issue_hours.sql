-- Hours before the trend's.
DELETE FROM observa_internal.issue_hours h WHERE h.tenant_id = observa.current_tenant() AND h.hour < pg_catalog.now() - interval '25 hours'
