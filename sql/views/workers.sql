CREATE OR REPLACE VIEW observa.workers WITH (security_invoker = true) AS
SELECT j.job,
       CASE WHEN w.job = j.job THEN 'running' WHEN r.held THEN 'held' WHEN j.failures > 0 THEN 'failing' ELSE 'waiting' END AS state,
       j.last_started, j.last_finished, j.duration_ms, j.rows, j.lag_seconds, j.runs, j.failures, j.last_error, j.last_failed,
       j.next_run, j.done_by, j.pid, w.pid AS worker_pid
  FROM observa_internal.jobs j
 CROSS JOIN LATERAL (SELECT observa_internal.is_restoring()) AS r (held)
  LEFT JOIN observa_internal.maintenance_worker() w ON true;
COMMENT ON VIEW observa.workers IS 'Observa''s jobs in this database: when each ran last, what it did, and its last error

A row for each job, also where no worker runs and something else calls observa.run_maintenance(). Holds nothing of a tenant''s.';
COMMENT ON COLUMN observa.workers.state IS 'running: in the server''s own worker at this moment; held: observa.pre_restore() holds all; failing: its last try failed, maybe for some tenants alone, and next_run tells of the next one; else waiting';
COMMENT ON COLUMN observa.workers.last_started IS 'Of the last run that went well, for some tenants at least; NULL: none yet';
COMMENT ON COLUMN observa.workers.last_finished IS 'Of the last run that went well, for some tenants at least; NULL: none yet';
COMMENT ON COLUMN observa.workers.duration_ms IS 'Milliseconds of the last run that went well';
COMMENT ON COLUMN observa.workers.rows IS 'What the last run that went well has done, in what the job counts: partitions, signals, rows';
COMMENT ON COLUMN observa.workers.lag_seconds IS 'Age in seconds of the oldest thing that the last run found undone; NULL: the job has no such thing';
COMMENT ON COLUMN observa.workers.runs IS 'Runs that went well';
COMMENT ON COLUMN observa.workers.failures IS 'Failures, also for some tenants alone, since the last run without one';
COMMENT ON COLUMN observa.workers.last_error IS 'SQLSTATE and message of the last failure, without values, and for how many of the tenants that had work; it stays when the job goes well again (failures is 0 then). NULL: none yet';
COMMENT ON COLUMN observa.workers.last_failed IS 'When the last failure was; NULL: none yet';
COMMENT ON COLUMN observa.workers.next_run IS 'When it is due; a job that finds nothing to do is due less often';
COMMENT ON COLUMN observa.workers.done_by IS 'application_name of who ran it last: observa maintenance is the server''s own worker, observa-worker the program; NULL: nobody yet';
COMMENT ON COLUMN observa.workers.pid IS 'The server process of who ran it last';
COMMENT ON COLUMN observa.workers.worker_pid IS 'The server''s own worker for this database; NULL: none runs';
