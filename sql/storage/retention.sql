-- What a project has let go, so that a day's pass reads only what may have come since the last one.
CREATE TABLE IF NOT EXISTS observa_internal.retention_passes (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    done_on date NOT NULL,
    days integer,
    payload_days integer,
    PRIMARY KEY (tenant_id, project_id)
);
COMMENT ON TABLE observa_internal.retention_passes IS 'The last day on which all of a project that had outlived its time was deleted';
COMMENT ON COLUMN observa_internal.retention_passes.days IS 'What was kept then, in days; NULL: everything';
COMMENT ON COLUMN observa_internal.retention_passes.payload_days IS 'The same of payloads';
COMMENT ON CONSTRAINT retention_passes_pkey ON observa_internal.retention_passes IS 'The row of a project';
