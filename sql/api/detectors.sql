CREATE FUNCTION observa.register_detector(name text, function regprocedure, run_as regrole, severity text DEFAULT 'medium', group_by text[] DEFAULT '{}',
        timeout_ms integer DEFAULT 1000, tenant uuid DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'register_detector_wrapper';
ALTER FUNCTION observa.register_detector(text, regprocedure, regrole, text, text[], integer, uuid) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.register_detector(text, regprocedure, regrole, text, text[], integer, uuid) FROM PUBLIC;
COMMENT ON FUNCTION observa.register_detector(text, regprocedure, regrole, text, text[], integer, uuid) IS 'Has a function asked about each event that a tenant stores from now on

For superusers, as it runs code. function(jsonb) RETURNS boolean gets an event as observa.events shows it; true raises a signal called name. The job
detection calls it after the commit, as run_as, in a read-only part of its transaction, within timeout_ms for the events of a run. After 5 failures in a row it is
switched off (observa.health_detailed()), and on by registering it again. tenant: NULL is the default one. docs/signals.md.';

CREATE FUNCTION observa.drop_detector(name text, tenant uuid DEFAULT NULL) RETURNS boolean
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'drop_detector_wrapper';
ALTER FUNCTION observa.drop_detector(text, uuid) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.drop_detector(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION observa.drop_detector(text, uuid) IS 'Asks a function no more; false: there was no such detector

For superusers. tenant: NULL is the default one.';
