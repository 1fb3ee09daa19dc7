-- $1 project of the acting tenant, $2 day since 1970-01-01, $3 and $4 days that were kept.
INSERT INTO observa_internal.retention_passes (tenant_id, project_id, done_on, days, payload_days)
VALUES (observa.current_tenant(), $1, '1970-01-01'::date + $2, $3, $4)
    ON CONFLICT (tenant_id, project_id) DO UPDATE
   SET done_on = excluded.done_on, days = excluded.days, payload_days = excluded.payload_days
