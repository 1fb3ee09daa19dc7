DELETE FROM observa_internal.issue_states t WHERE t.tenant_id = observa.current_tenant() AND t.issue_id = $1
