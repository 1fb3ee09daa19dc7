-- $1: how many of a webhook's may wait. Of more the oldest are given up: they are the least worth.
UPDATE observa_internal.notifications n
   SET state = 'failed', last_error = 'too many were waiting', finished_at = pg_catalog.now()
 WHERE n.tenant_id = observa.current_tenant() AND n.state = 'pending'
   AND n.notification_id IN (
       SELECT r.notification_id
         FROM (SELECT w.notification_id,
                      pg_catalog.row_number() OVER (PARTITION BY w.webhook_id ORDER BY w.created_at DESC) AS place
                 FROM observa_internal.notifications w
                WHERE w.tenant_id = observa.current_tenant() AND w.state = 'pending') r
        WHERE r.place > $1)
