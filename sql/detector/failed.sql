-- $1 name, $2 what went wrong, $3 failures in a row after which it is switched off.
UPDATE observa_internal.detectors d
   SET errors = d.errors + 1, failures = d.failures + 1, last_error = $2, last_failed = pg_catalog.clock_timestamp(),
       enabled = d.failures + 1 < $3
 WHERE d.tenant_id = observa.current_tenant() AND d.name = $1
