-- $1 tenant.
SELECT pg_catalog.count(*) FROM observa_internal.webhooks w WHERE w.tenant_id = $1
