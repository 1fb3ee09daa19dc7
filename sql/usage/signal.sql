-- The table's trigger raises the alert.
INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, value, threshold,
       alert_group, alert_key, details, issue_id)
VALUES (observa.current_tenant(), pg_catalog.clock_timestamp(), $1, $2, $3, $4, 'usage', $5, $6, $7, $8, $9,
        pg_catalog.jsonb_build_object('unit', 'events', 'quota', $10::bigint, 'month', '1970-01-01'::date + $11::int),
        observa_internal.issue_of($2, $3, $4, $8, '{}'))
