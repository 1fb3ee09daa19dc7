-- $1 job, $2 when it is due, $3 and $4 begin and end, $5 milliseconds, $6 rows, $7 lag in seconds, $8 whether it fails for some tenants.
UPDATE observa_internal.jobs
   SET next_run = $2, last_started = $3, last_finished = $4, duration_ms = $5, rows = $6, lag_seconds = $7, runs = runs + 1,
       idle_runs = CASE WHEN $6 = 0 THEN least(idle_runs, 1000) + 1 ELSE 0 END, failures = CASE WHEN $8 THEN failures ELSE 0 END,
       done_by = pg_catalog.current_setting('application_name'), pid = pg_catalog.pg_backend_pid()
 WHERE job = $1
