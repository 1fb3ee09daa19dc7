-- $1 tenant, $2 id, $3 lease, $4 state, $5 seconds until the next try, $6 status, $7 error. Only of who holds the lease.
UPDATE observa_internal.notifications n
   SET state = $4, next_attempt = pg_catalog.now() + pg_catalog.make_interval(secs => coalesce($5, 0)), last_status = $6,
       last_error = $7, lease = NULL, finished_at = CASE WHEN $4 <> 'pending' THEN pg_catalog.now() END
 WHERE n.tenant_id = $1 AND n.notification_id = $2 AND n.lease = $3 AND n.state = 'sending'
