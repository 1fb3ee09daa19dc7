-- What became of what an open alert is about: $1 its key, $2 the value, $3 the threshold, $4 whether it is critical now, $5 what is to be
-- said of it, $6 the rule that says so. It gets no milder.
WITH open AS MATERIALIZED (
    SELECT a.tenant_id, a.alert_id, $4 AND a.severity <> 'critical' AS is_worse
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_key = $1 AND a.status IN ('active', 'acknowledged')
       FOR UPDATE
), escalated AS (
    INSERT INTO observa_internal.alert_events (tenant_id, alert_id, event, actor, value)
    SELECT o.tenant_id, o.alert_id, 'escalated', 'rule ' || $6, $2 FROM open o WHERE o.is_worse
)
UPDATE observa_internal.alerts a
   SET current_value = $2,
       threshold_value = CASE WHEN o.is_worse THEN $3 ELSE a.threshold_value END,
       description = CASE WHEN o.is_worse THEN $5 ELSE a.description END,
       severity = CASE WHEN o.is_worse THEN 'critical' ELSE a.severity END
  FROM open o
 WHERE a.tenant_id = o.tenant_id AND a.alert_id = o.alert_id
