-- Budgets of the acting tenant.
SELECT pg_catalog.count(*) FROM observa_internal.budgets b WHERE b.tenant_id = observa.current_tenant()
