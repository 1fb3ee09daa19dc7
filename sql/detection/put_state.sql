-- What a rule keeps of a group.
INSERT INTO observa_internal.rule_states (tenant_id, rule, alert_key, project_id, environment, alert_group, signal, level, worse_since,
       well_since, told_at, notified_at, flaps, ended_at)
VALUES (observa.current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (tenant_id, alert_key, rule) DO UPDATE
   SET level = excluded.level, worse_since = excluded.worse_since, well_since = excluded.well_since, told_at = excluded.told_at,
       notified_at = excluded.notified_at, flaps = excluded.flaps, ended_at = excluded.ended_at
