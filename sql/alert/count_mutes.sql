-- What raises no alerts now, in the acting tenant.
SELECT pg_catalog.count(*) FROM observa_internal.rule_mutes u WHERE u.tenant_id = observa.current_tenant() AND u.until > pg_catalog.now()
