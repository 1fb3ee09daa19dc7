SELECT pg_catalog.jsonb_object_agg(w.job, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
           'state', w.state, 'last_finished', w.last_finished, 'duration_ms', w.duration_ms, 'rows', w.rows, 'lag_seconds', w.lag_seconds,
           'runs', w.runs, 'failures', w.failures, 'last_error', w.last_error, 'last_failed', w.last_failed)))
  FROM observa.workers w
