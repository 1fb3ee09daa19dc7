-- Lines of applications' logs: from OTLP, and from INSERT INTO observa.logs.
CREATE TABLE IF NOT EXISTS observa_internal.logs (
    tenant_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    log_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    level text NOT NULL CHECK (level IN ('debug', 'info', 'warning', 'error', 'critical')),
    service text,
    message text COMPRESSION lz4 NOT NULL,
    trace_id text COLLATE "C",
    span_id text,
    request_id text,
    session_id text,
    error_stack text COMPRESSION lz4,
    error_code text,
    metadata jsonb COMPRESSION lz4,
    redactions integer NOT NULL,
    ingested_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, ts, log_id)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE observa_internal.logs IS 'Log lines, a partition a day (UTC)';
COMMENT ON CONSTRAINT logs_pkey ON observa_internal.logs IS 'A tenant''s time range, and the retry of a line';
CREATE INDEX IF NOT EXISTS logs_trace ON observa_internal.logs (tenant_id, trace_id) WHERE trace_id IS NOT NULL;
COMMENT ON INDEX observa_internal.logs_trace IS 'The log of a trace';

-- Some libraries put prompts and answers into log records, which may come before their span or after it, in several bodies.
CREATE TABLE IF NOT EXISTS observa_internal.span_contents (
    tenant_id uuid NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    span_id text COLLATE "C" NOT NULL,
    content_id uuid NOT NULL,
    project_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    input text COMPRESSION lz4,
    output text COMPRESSION lz4,
    arrived_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, trace_id, span_id, content_id)
);
COMMENT ON TABLE observa_internal.span_contents IS 'What log records said of calls, kept two days for spans that come later';
COMMENT ON COLUMN observa_internal.span_contents.content_id IS 'Derived from the content: a retry is the same row';
COMMENT ON COLUMN observa_internal.span_contents.input IS 'A JSON list of messages; NULL: none';
COMMENT ON COLUMN observa_internal.span_contents.output IS 'A JSON list of messages; NULL: none';
