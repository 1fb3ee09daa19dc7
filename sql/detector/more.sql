-- $1 (UUIDv7) what is older waited for too long. Whether the acting tenant has more events that detectors are to be asked about.
SELECT EXISTS (SELECT FROM observa_internal.detector_events o WHERE o.tenant_id = observa.current_tenant() AND o.entry_id >= $1)
