-- What the acting tenant's rules keep of their groups.
SELECT r.rule, r.project_id, r.environment, r.alert_group, r.signal, r.level, r.worse_since, r.well_since, r.told_at, r.notified_at, r.flaps,
       r.ended_at
  FROM observa_internal.rule_states r
 WHERE r.tenant_id = observa.current_tenant()
