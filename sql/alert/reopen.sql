-- It goes on where it ended: what its signals are is counted from its beginning.
UPDATE observa_internal.alerts
   SET status = 'active', acknowledged_at = NULL, resolved_at = NULL, closed_at = NULL, ended = NULL, reopened = coalesce(reopened, 0) + 1,
       note = coalesce($2, note)
 WHERE alert_id = $1 AND status IN ('resolved', 'closed')
