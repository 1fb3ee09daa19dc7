-- All is well: there is nothing to keep of $1 rule and $2 group.
DELETE FROM observa_internal.rule_states r WHERE r.tenant_id = observa.current_tenant() AND r.rule = $1 AND r.alert_key = $2
