-- What observa.workers says, in short. A job that is due for five minutes is run by nobody.
SELECT pg_catalog.jsonb_build_object(
           'worker_pid', pg_catalog.min(w.worker_pid),
           'held', pg_catalog.count(*) FILTER (WHERE w.state = 'held'),
           'late', pg_catalog.count(*) FILTER (WHERE w.state <> 'running' AND w.next_run < pg_catalog.now() - interval '5 minutes'),
           'failing', pg_catalog.count(*) FILTER (WHERE w.failures > 0),
           'rollups_lag_seconds', pg_catalog.max(w.lag_seconds) FILTER (WHERE w.job = 'rollups'),
           'jobs', pg_catalog.jsonb_object_agg(w.job, pg_catalog.jsonb_build_object(
               'state', w.state, 'last_finished', w.last_finished, 'failures', w.failures, 'last_error', w.last_error,
               'last_failed', w.last_failed)))
  FROM observa.workers w
