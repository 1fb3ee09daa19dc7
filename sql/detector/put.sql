-- $1 name, $2 function, $3 role, $4 severity, $5 columns that its alerts are told apart by, $6 milliseconds. It begins anew.
INSERT INTO observa_internal.detectors (tenant_id, name, function, run_as, severity, group_by, timeout_ms)
SELECT observa.current_tenant(), $1, pg_catalog.format('%I.%I', n.nspname, p.proname), r.rolname, $4, $5, $6
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_catalog.pg_roles r ON r.oid = $3
 WHERE p.oid = $2
    ON CONFLICT (tenant_id, name) DO UPDATE
   SET function = excluded.function, run_as = excluded.run_as, severity = excluded.severity, group_by = excluded.group_by,
       timeout_ms = excluded.timeout_ms, enabled = true, errors = 0, failures = 0, last_error = NULL, last_failed = NULL,
       registered_at = pg_catalog.now()
