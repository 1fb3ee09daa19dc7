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
COMMENT ON COLUMN observa_internal.jobs.last_started IS 'Of the last run that went well; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.last_finished IS 'Of the last run that went well; NULL: none yet';
COMMENT ON COLUMN observa_internal.jobs.duration_ms IS 'Milliseconds of the last run that went well';
COMMENT ON COLUMN observa_internal.jobs.rows IS 'What the last run that went well has done, in what the job counts';
COMMENT ON COLUMN observa_internal.jobs.lag_seconds IS 'Age in seconds of the oldest thing that the last run found undone; NULL: the job has no such thing';
COMMENT ON COLUMN observa_internal.jobs.runs IS 'Runs that went well';
COMMENT ON COLUMN observa_internal.jobs.idle_runs IS 'Of these the last ones that found nothing to do';
COMMENT ON COLUMN observa_internal.jobs.failures IS 'Failures since the last run that went well';
COMMENT ON COLUMN observa_internal.jobs.last_error IS 'SQLSTATE and message of the last failure, scrubbed; NULL: none yet';
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
