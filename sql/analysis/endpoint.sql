-- $1 kind, $2 host, $3 state, $4 failures in a row, $5 seconds until it is tried again, $6 calls on their way, $7 last error.
INSERT INTO observa_internal.analysis_endpoints AS e (kind, host, state, failures, retry_at, in_flight, last_error)
VALUES ($1, $2, $3, $4, pg_catalog.now() + pg_catalog.make_interval(secs => $5), $6, $7)
    ON CONFLICT (kind) DO UPDATE
   SET host = excluded.host, state = excluded.state, failures = excluded.failures, retry_at = excluded.retry_at,
       in_flight = excluded.in_flight, last_error = excluded.last_error, told_at = pg_catalog.now()
