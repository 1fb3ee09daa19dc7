CREATE OR REPLACE VIEW observa.logs WITH (security_invoker = true) AS
SELECT l.level, l.service, l.message, l.trace_id, l.span_id, l.request_id, l.session_id, l.error_stack, l.error_code,
       l.metadata, l.ts AS created_at, l.log_id AS id, l.environment, l.redactions, l.ingested_at, l.tenant_id, l.project_id
  FROM observa_internal.logs l;
COMMENT ON VIEW observa.logs IS 'Log lines of applications

INSERT scrubs and stores a line; OTLP log records land here, too. level is debug, info (the default), warning, error or critical.';
COMMENT ON COLUMN observa.logs.created_at IS 'Time of the line; of its arrival where none is given';
COMMENT ON COLUMN observa.logs.metadata IS 'Whatever else the line says';

CREATE OR REPLACE TRIGGER insert_log INSTEAD OF INSERT ON observa.logs
    FOR EACH ROW EXECUTE FUNCTION observa_internal.insert_log();
