UPDATE observa_internal.alerts
   SET status = 'resolved', resolved_at = pg_catalog.now(), ended = coalesce(ended, $3), note = coalesce($2, note)
 WHERE alert_id = $1 AND status IN ('active', 'acknowledged')
