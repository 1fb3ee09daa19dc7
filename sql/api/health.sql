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
workers: what observa.workers says, and the pids of launcher and worker. notifications and dead_letters: how many wait, and since
when, of the tenant; of all for members of pg_monitor, and superusers, who act for none.
judge and embeddings: whether they are configured, the model, host and state of the endpoint (closed: asked as usual; open: not until retry_at;
half_open: tried), jobs that are queued and leased, age in seconds of the oldest queued one, how many failed in the last day and were
skipped, and what is left of each project''s budget of the day (UTC, USD).';

CREATE FUNCTION observa_internal.backlog() RETURNS jsonb
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'backlog_wrapper';
ALTER FUNCTION observa_internal.backlog() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.backlog() IS 'Notifications and dead letters that wait, in numbers, for observa.health_detailed(); NULL: the caller may not know';

REVOKE ALL ON FUNCTION observa.version(), observa.health(), observa.health_detailed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.version(), observa.health() TO observa_ingest, observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa.health_detailed() TO observa_read, observa_admin;
