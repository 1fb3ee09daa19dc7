-- What became of what an open alert is about: $1 its key, $2 the value, $3 the threshold, $4 whether it is critical now, $5 what is to be
-- said of it. It gets no milder.
UPDATE observa_internal.alerts a
   SET current_value = $2,
       threshold_value = CASE WHEN $4 AND a.severity <> 'critical' THEN $3 ELSE a.threshold_value END,
       description = CASE WHEN $4 AND a.severity <> 'critical' THEN $5 ELSE a.description END,
       severity = CASE WHEN $4 THEN 'critical' ELSE a.severity END
 WHERE a.tenant_id = observa.current_tenant() AND a.alert_key = $1 AND a.status IN ('active', 'acknowledged')
