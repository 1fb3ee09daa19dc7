CREATE FUNCTION observa.run_maintenance() RETURNS jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'run_maintenance_wrapper';
ALTER FUNCTION observa.run_maintenance() OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.run_maintenance() FROM PUBLIC;
COMMENT ON FUNCTION observa.run_maintenance() IS 'One round of upkeep: every job of observa.workers, whether it is due or not

For superusers, where no worker runs (cron). Makes the coming days'' partitions, drops ids of events without a time after two
days, bills once what two transactions stored at once of one call, folds usage, tells of quotas, and writes when keys were used.
Ingest works without it, and then makes a missing partition itself. It waits for no lock longer than others can bear: what was
not to be had, or is done by a worker at this moment, is listed in postponed. A job that fails is a WARNING and listed in failed
(its error is in observa.workers), and the others go on. Call it alone, not inside of a longer transaction: what it has made or
dropped is locked to its end.';

CREATE FUNCTION observa.pre_restore() RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'pre_restore_wrapper';
REVOKE ALL ON FUNCTION observa.pre_restore() FROM PUBLIC;
COMMENT ON FUNCTION observa.pre_restore() IS 'Holds all of Observa''s jobs in this database until observa.post_restore(), for pg_restore into it

For superusers. Ends the worker''s current job and waits up to five seconds for it. Sets observa.restoring for the database, so it
also holds after a restart. observa.run_maintenance() is an error (55000) until then.';

CREATE FUNCTION observa.post_restore() RETURNS void
    LANGUAGE c VOLATILE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'post_restore_wrapper';
REVOKE ALL ON FUNCTION observa.post_restore() FROM PUBLIC;
COMMENT ON FUNCTION observa.post_restore() IS 'Lets Observa''s jobs run again after observa.pre_restore()

For superusers. Without observa.pre_restore() before it changes nothing.';

CREATE FUNCTION observa_internal.run_due_job() RETURNS text
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'run_due_job_wrapper';
ALTER FUNCTION observa_internal.run_due_job() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.run_due_job() IS 'Runs the job that is due longest and that nobody else runs, and records it; its name. NULL: none is due, or none may run here

For superusers; what workers call again and again. After an error call observa_internal.record_job_failure() in the next
transaction of the session.';

CREATE FUNCTION observa_internal.record_job_failure(sqlstate text, message text) RETURNS text
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'record_job_failure_wrapper';
ALTER FUNCTION observa_internal.record_job_failure(text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.record_job_failure(text, text) IS 'Records the failure of the job that this session ran last: it is due again in 2, 4, 8 ... seconds, at most five minutes; its name. NULL: the session''s last call failed in no job

For superusers.';

CREATE FUNCTION observa_internal.is_restoring() RETURNS boolean
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tells_restoring_wrapper';
GRANT EXECUTE ON FUNCTION observa_internal.is_restoring() TO observa_read, observa_admin;
COMMENT ON FUNCTION observa_internal.is_restoring() IS 'Whether observa.pre_restore() holds in this database';

CREATE FUNCTION observa_internal.maintenance_worker() RETURNS TABLE (pid integer, job text)
    LANGUAGE c VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'maintenance_worker_wrapper';
GRANT EXECUTE ON FUNCTION observa_internal.maintenance_worker() TO observa_read, observa_admin;
COMMENT ON FUNCTION observa_internal.maintenance_worker() IS 'The server''s own worker for this database, and the job that it runs; job NULL: it waits. No row: none runs';
