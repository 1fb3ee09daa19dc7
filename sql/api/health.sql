CREATE FUNCTION observa.version() RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'version_wrapper';
COMMENT ON FUNCTION observa.version() IS 'The versions of Observa and of PostgreSQL

{version, postgres, standby}';

CREATE FUNCTION observa.health() RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'health_wrapper';
COMMENT ON FUNCTION observa.health() IS 'Whether events can be stored: {"status": "ok"}

no_storage: a superuser must run SELECT observa.setup(). Over HTTP also without a key, where the role for anonymous requests may call it.';

CREATE FUNCTION observa.health_detailed() RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'health_detailed_wrapper';
COMMENT ON FUNCTION observa.health_detailed() IS 'What works and what does not, part by part

{status, preloaded, checks: {part: {status, message, ...}}}. status is ok, degraded where a part is not ok, or no_storage. Without
shared_preload_libraries = ''observa'' rate limits and quotas are off, and this says so. message: what to do; null where all is well.
workers: what observa.workers says, and the pids of launcher and worker. settings: found are those of the server that hurt, each with
name, value, why, and what to set. partitions: days_ahead. notifications, dead_letters and quotas: how many, and since when, of the tenant;
of all for members of pg_monitor, and superusers, who act for none. disk, for these alone: bytes in all, and by table.
judge and embeddings: whether they are configured, the model, host and state of the endpoint (closed: asked as usual; open: not until retry_at;
half_open: tried), jobs that are queued and leased, age in seconds of the oldest queued one, how many failed in the last day and were
skipped, and what is left of each project''s budget of the day (UTC, USD).';

CREATE FUNCTION observa_internal.backlog() RETURNS jsonb
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'backlog_wrapper';
ALTER FUNCTION observa_internal.backlog() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.backlog() IS 'Notifications and dead letters that wait, in numbers, for observa.health_detailed(); NULL: the caller may not know';

CREATE FUNCTION observa.diagnostics() RETURNS jsonb
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'diagnostics_wrapper';
COMMENT ON FUNCTION observa.diagnostics() IS 'What a bug report needs: versions, settings, tables, jobs, conflicts

For superusers and members of pg_monitor who act for no tenant. It holds nothing of a tenant''s and no secret, and can be pasted: of a URL it
shows the host, of other texts among Observa''s settings that they are set, of PostgreSQL''s settings no text at all.
{versions, standby, preloaded, storage, checks: {part: {status, message}}, settings that were changed, tables: [{name, bytes, rows as
estimated, partitions, first, last}], workers: {job: {state, last_error, ...}}, conflicts: [words], extensions}.';

CREATE DOMAIN observa."text/plain" AS text;
COMMENT ON DOMAIN observa."text/plain" IS 'Text that PostgREST sends as it is, not as JSON';

CREATE FUNCTION observa.metrics() RETURNS observa."text/plain"
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'metrics_wrapper';
COMMENT ON FUNCTION observa.metrics() IS 'Numbers for Prometheus, in its text format

Of the tenant, by project, for who may read it (over HTTP: GET /rpc/metrics, Accept: text/plain, a key with the scope query); of the whole
server for superusers and members of pg_monitor who act for none. docs/maintenance.md lists them.';

CREATE FUNCTION observa_internal.measurements() RETURNS TABLE (name text, labels jsonb, value double precision)
    LANGUAGE c STABLE SECURITY DEFINER ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'all_measurements_wrapper';
ALTER FUNCTION observa_internal.measurements() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.measurements() IS 'Numbers for observa.metrics(): of the tenant that the caller may read, of all for who watches the server; else none';

REVOKE ALL ON FUNCTION observa.version(), observa.health(), observa.health_detailed(), observa.diagnostics(), observa.metrics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.version(), observa.health() TO observa_ingest, observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa.diagnostics() TO observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa.metrics() TO observa_read;
GRANT EXECUTE ON FUNCTION observa.health_detailed() TO observa_read, observa_admin;
