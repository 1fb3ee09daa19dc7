SELECT job, idle_runs FROM observa_internal.jobs
 WHERE job = ANY ($1) AND next_run <= pg_catalog.clock_timestamp()
 ORDER BY next_run, job LIMIT 1
   FOR UPDATE SKIP LOCKED
