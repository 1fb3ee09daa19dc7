-- $1 job: what its last run left to the next one, and how many seconds until a tenant is tried again.
SELECT n.tenant_id, n.left_off, n.failures,
       pg_catalog.date_part('epoch', n.retry_at - pg_catalog.clock_timestamp())::double precision, n.last_error
  FROM observa_internal.job_tenants n WHERE n.job = $1
