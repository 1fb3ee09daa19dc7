-- $1 job, $2 error, $3 when it is due; NULL: not told.
UPDATE observa_internal.jobs
   SET failures = least(failures, 1000000) + 1, last_error = $2, last_failed = pg_catalog.clock_timestamp(),
       -- Unless it is told: 2, 4, 8 ... seconds, at most five minutes.
       next_run = coalesce($3, pg_catalog.clock_timestamp()
                  + pg_catalog.make_interval(secs => least(300, pg_catalog.power(2, least(failures, 10) + 1)))),
       done_by = pg_catalog.current_setting('application_name'), pid = pg_catalog.pg_backend_pid()
 WHERE job = $1
