-- $1 name.
DELETE FROM observa_internal.detectors d WHERE d.tenant_id = observa.current_tenant() AND d.name = $1
