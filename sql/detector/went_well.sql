-- $1 name.
UPDATE observa_internal.detectors d SET failures = 0
 WHERE d.tenant_id = observa.current_tenant() AND d.name = $1 AND d.failures > 0
