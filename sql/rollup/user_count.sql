-- $1 an hour: users of the acting tenant that are counted in it.
SELECT pg_catalog.count(*) FROM observa_internal.user_metrics m WHERE m.tenant_id = observa.current_tenant() AND m.bucket = $1
