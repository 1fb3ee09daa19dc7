-- What is to be done from time to time, and when it was done last. Whoever does it locks the row, so nothing is done twice.
CREATE TABLE IF NOT EXISTS observa_internal.jobs (
    job text PRIMARY KEY,
    next_run timestamptz NOT NULL DEFAULT '-infinity',
    last_started timestamptz,
    last_finished timestamptz,
    duration_ms double precision,
    rows bigint,
    lag_seconds double precision,
    runs bigint NOT NULL DEFAULT 0,
    idle_runs integer NOT NULL DEFAULT 0,
    failures integer NOT NULL DEFAULT 0,
    last_error text,
    last_failed timestamptz,
    done_by text,
    pid integer
) WITH (fillfactor = 50);
COMMENT ON TABLE observa_internal.jobs IS 'Observa''s jobs, one row each: when each is due, and what became of it last. Nothing of a tenant''s';
COMMENT ON COLUMN observa_internal.jobs.next_run IS 'When it is due next';
COMMENT ON COLUMN observa_internal.jobs.last_started IS 'Of the last run that went well, for some tenants at least; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.last_finished IS 'Of the last run that went well, for some tenants at least; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.duration_ms IS 'Milliseconds of the last run that went well';
COMMENT ON COLUMN observa_internal.jobs.rows IS 'What the last run that went well has done, in what the job counts';
COMMENT ON COLUMN observa_internal.jobs.lag_seconds IS 'Age in seconds of the oldest thing that the last run found undone; NULL: the job has no such thing';
COMMENT ON COLUMN observa_internal.jobs.runs IS 'Runs that went well';
COMMENT ON COLUMN observa_internal.jobs.idle_runs IS 'Of these the last ones that found nothing to do';
COMMENT ON COLUMN observa_internal.jobs.failures IS 'Failures, also for some tenants alone, since the last run without one';
COMMENT ON COLUMN observa_internal.jobs.last_error IS 'SQLSTATE and message of the last failure, scrubbed, and for how many tenants where it was not for all; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.last_failed IS 'When the last failure was; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.done_by IS 'application_name of who ran it last, also if it failed';
COMMENT ON COLUMN observa_internal.jobs.pid IS 'The server process of who ran it last';
COMMENT ON CONSTRAINT jobs_pkey ON observa_internal.jobs IS 'The job that somebody runs';

ALTER TABLE observa_internal.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.jobs FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS superusers_session ON observa_internal.jobs;
CREATE POLICY superusers_session ON observa_internal.jobs TO observa_owner
    USING (observa_internal.session_is_superuser()) WITH CHECK (observa_internal.session_is_superuser());
-- Nothing of a tenant's is in it, and who watches the server has no tenant.
DROP POLICY IF EXISTS everybody ON observa_internal.jobs;
CREATE POLICY everybody ON observa_internal.jobs FOR SELECT TO observa_read, observa_admin USING (true);
GRANT SELECT ON observa_internal.jobs TO observa_read, observa_admin;

-- Empty, as a rule. Names tenants: not for readers.
CREATE TABLE IF NOT EXISTS observa_internal.job_tenants (
    job text NOT NULL,
    tenant_id uuid NOT NULL,
    left_off boolean NOT NULL,
    failures integer NOT NULL,
    retry_at timestamptz,
    last_error text,
    PRIMARY KEY (job, tenant_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE observa_internal.job_tenants IS 'Tenants for whom a job fails, which keeps it from nobody else''s, and where a run ended that took long';
COMMENT ON COLUMN observa_internal.job_tenants.left_off IS 'The next run begins with the tenant after this one';
COMMENT ON COLUMN observa_internal.job_tenants.failures IS 'Failures for the tenant, one after the other; 0: none';
COMMENT ON COLUMN observa_internal.job_tenants.retry_at IS 'Until then the job leaves the tenant alone; NULL: it does not fail';
COMMENT ON COLUMN observa_internal.job_tenants.last_error IS 'SQLSTATE and message, scrubbed; NULL: it does not fail';
COMMENT ON CONSTRAINT job_tenants_pkey ON observa_internal.job_tenants IS 'What a run has to know of a job''s tenants';

ALTER TABLE observa_internal.job_tenants ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.job_tenants FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS superusers_session ON observa_internal.job_tenants;
CREATE POLICY superusers_session ON observa_internal.job_tenants TO observa_owner
    USING (observa_internal.session_is_superuser()) WITH CHECK (observa_internal.session_is_superuser());

-- Counts for a monitor what waits, of all tenants (observa_internal.backlog, measurements).
GRANT SELECT ON observa_internal.jobs, observa_internal.usage, observa_internal.usage_deltas TO observa_system;
