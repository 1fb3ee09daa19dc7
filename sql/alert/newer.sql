-- The newest alert of the rule and group of $1, which has ended, if that is another one: signals since then are its.
SELECT n.alert_id::text, n.status
  FROM observa_internal.alerts a
  JOIN observa_internal.alerts n ON n.tenant_id = a.tenant_id AND n.alert_key = a.alert_key AND n.opened > a.opened
 WHERE a.alert_id = $1 AND a.status IN ('resolved', 'closed')
 ORDER BY n.opened DESC
 LIMIT 1
