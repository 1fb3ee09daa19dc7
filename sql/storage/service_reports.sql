-- What services say of their own health: the newest hundred of each, and the first of the newest that say the same.
CREATE TABLE IF NOT EXISTS observa_internal.service_reports (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    project_id uuid NOT NULL,
    service text COLLATE "C" NOT NULL CHECK (length(service) BETWEEN 1 AND 200),
    report_id uuid NOT NULL,
    reported_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    stale_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('ok', 'degraded', 'down')),
    details jsonb COMPRESSION lz4,
    PRIMARY KEY (tenant_id, project_id, service, report_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.service_reports IS 'Reports of services about their own health, the newest hundred of each, and the first of the newest that say the same';
COMMENT ON COLUMN observa_internal.service_reports.report_id IS 'In the order of their arrival';
COMMENT ON COLUMN observa_internal.service_reports.stale_at IS 'From then on it says nothing any more';
COMMENT ON COLUMN observa_internal.service_reports.details IS 'Scrubbed; NULL: none';
COMMENT ON CONSTRAINT service_reports_pkey ON observa_internal.service_reports IS 'A service''s reports, the newest last';
