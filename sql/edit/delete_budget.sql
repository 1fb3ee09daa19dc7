-- $1 a budget of the acting tenant.
DELETE FROM observa_internal.budgets b WHERE b.tenant_id = observa.current_tenant() AND b.budget_id = $1
