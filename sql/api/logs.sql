CREATE TYPE observa.log_line AS (cursor text, created_at timestamptz, level text, service text, message text, trace_id text, span_id text,
    request_id text, error_code text, error_stack text, metadata jsonb, id uuid, project_id uuid);
COMMENT ON TYPE observa.log_line IS 'A row of observa.tail_logs: as in observa.logs, with where it stands';

CREATE FUNCTION observa.tail_logs(after text DEFAULT NULL, level text DEFAULT NULL, service text DEFAULT NULL, lim integer DEFAULT 100,
                                  project uuid DEFAULT NULL)
    RETURNS SETOF observa.log_line
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tail_logs_wrapper';
COMMENT ON FUNCTION observa.tail_logs(text, text, text, integer, uuid) IS 'Log lines as they come: the newest, then with the last row''s cursor as after those that followed

The oldest first, lim (1 to 1000) at most. level is the least severe that is wanted: debug, info, warning, error, critical. Lines are told apart by
their own time: one that comes late, with a time before the cursor, is in observa.logs, and not shown here; one from a clock that is ahead
is shown when its time has come. A project of NULL is all of the tenant''s.';
REVOKE ALL ON FUNCTION observa.tail_logs(text, text, text, integer, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.tail_logs(text, text, text, integer, uuid) TO observa_read;

CREATE FUNCTION observa.report_health(service text, status text, details jsonb DEFAULT NULL, stale_after_seconds integer DEFAULT 300) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'report_health_wrapper';
ALTER FUNCTION observa.report_health(text, text, jsonb, integer) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.report_health(text, text, jsonb, integer) IS 'A service says how it is: ok, degraded or down

For whoever may send events. service and details are scrubbed; details have 10,000 bytes at most. Without another report within
stale_after_seconds (1 to 2,592,000) observa.service_health shows it as stale. The newest 100 reports of a service are kept, of 200 services of a project.';
REVOKE ALL ON FUNCTION observa.report_health(text, text, jsonb, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.report_health(text, text, jsonb, integer) TO observa_ingest;
