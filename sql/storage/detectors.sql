-- Functions of an administrator's that are asked about each event. As text: a dump and a restore know no object ids.
CREATE TABLE IF NOT EXISTS observa_internal.detectors (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    function text NOT NULL CHECK (length(function) BETWEEN 1 AND 300),
    run_as text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    group_by text[] NOT NULL,
    timeout_ms integer NOT NULL CHECK (timeout_ms BETWEEN 10 AND 10000),
    enabled boolean NOT NULL DEFAULT true,
    errors bigint NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    last_error text,
    last_failed timestamptz,
    registered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, name)
);
COMMENT ON TABLE observa_internal.detectors IS 'SQL functions that are asked about each event of a tenant, by the job detectors';
COMMENT ON COLUMN observa_internal.detectors.function IS 'Schema and name, quoted: it takes a jsonb and returns boolean';
COMMENT ON COLUMN observa_internal.detectors.run_as IS 'The role that it is called as, with no rights of Observa''s but to read the tenant''s events';
COMMENT ON COLUMN observa_internal.detectors.timeout_ms IS 'Milliseconds that the events of one run may take together';
COMMENT ON COLUMN observa_internal.detectors.enabled IS 'False: it failed 5 times in a row; it is registered again to be switched on';
COMMENT ON COLUMN observa_internal.detectors.errors IS 'Runs that failed since it was registered; failures: in a row';
COMMENT ON COLUMN observa_internal.detectors.last_error IS 'SQLSTATE and message, without values; NULL: it never failed';
COMMENT ON CONSTRAINT detectors_pkey ON observa_internal.detectors IS 'A tenant''s detector';
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.detectors
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();

CREATE TABLE IF NOT EXISTS observa_internal.detector_events (
    tenant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, entry_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE observa_internal.detector_events IS 'Stored events that detectors have not been asked about, of tenants that have some';
COMMENT ON CONSTRAINT detector_events_pkey ON observa_internal.detector_events IS 'A tenant''s events in the order of their arrival';
