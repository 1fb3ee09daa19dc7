-- $1 job, $2 tenants, of each: $3 failures, $4 seconds until it is tried again, $5 error. $6: where the run left off; NULL: it did not.
INSERT INTO observa_internal.job_tenants (job, tenant_id, left_off, failures, retry_at, last_error)
SELECT $1, n.tenant_id, n.tenant_id IS NOT DISTINCT FROM $6, n.failures,
       CASE WHEN n.failures > 0 THEN pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => n.retry_s) END, n.last_error
  FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5))
       AS n (tenant_id, failures, retry_s, last_error)
