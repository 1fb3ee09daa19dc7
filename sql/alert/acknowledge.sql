UPDATE observa_internal.alerts
   SET status = 'acknowledged', acknowledged_at = pg_catalog.now(), note = coalesce($2, note)
 WHERE alert_id = $1 AND status = 'active'
