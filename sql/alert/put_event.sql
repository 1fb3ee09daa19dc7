-- $1 alert, $2 id, $3 event, $4 actor, $5 note, $6 assignee.
INSERT INTO observa_internal.alert_events (tenant_id, alert_id, event_id, event, actor, note, assignee, value)
SELECT a.tenant_id, a.alert_id, $2, $3, $4, $5, $6, a.current_value
  FROM observa_internal.alerts a
 WHERE a.alert_id = $1
