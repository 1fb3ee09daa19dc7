-- Whether the acting tenant has a function that is asked about its events: a row.
SELECT true FROM observa_internal.detectors d WHERE d.tenant_id = observa.current_tenant() AND d.enabled
