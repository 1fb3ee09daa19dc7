-- Webhooks are told again of an open alert, $1 its key, that nobody has acknowledged: under a new id, as receivers ignore one that they
-- have seen. What was delivered a day ago is gone.
WITH again AS MATERIALIZED (
    SELECT a.tenant_id, a.alert_id, coalesce(a.reopened, 0) AS reopened, a.rule, a.current_value
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_key = $1 AND a.status = 'active' AND a.told = 'active'
       AND NOT EXISTS (SELECT FROM observa_internal.rule_mutes u
                        WHERE u.tenant_id = a.tenant_id AND u.rule = a.rule AND (u.alert_group IS NULL OR u.alert_group = a.alert_group)
                          AND u.until > pg_catalog.now())
), renewed AS (
    UPDATE observa_internal.notifications n
       SET notification_id = pg_catalog.gen_random_uuid(), state = 'pending', attempts = 0, next_attempt = pg_catalog.now(), lease = NULL,
           last_status = NULL, last_error = NULL, created_at = pg_catalog.now(), finished_at = NULL
      FROM again
     WHERE n.tenant_id = again.tenant_id AND n.alert_id = again.alert_id AND n.reopened = again.reopened AND n.event = 'raised'
       AND n.state IN ('delivered', 'failed')
    RETURNING n.alert_id
), queued AS (
    INSERT INTO observa_internal.notifications (tenant_id, webhook_id, alert_id, reopened, event, dedup_key)
    SELECT a.tenant_id, w.webhook_id, a.alert_id, again.reopened, 'raised', 'observa-' || a.alert_id
      FROM again
      JOIN observa_internal.alerts a ON a.tenant_id = again.tenant_id AND a.alert_id = again.alert_id
      JOIN observa_internal.webhooks w
        ON w.tenant_id = a.tenant_id AND w.enabled AND (w.project_id IS NULL OR w.project_id = a.project_id)
       AND pg_catalog.array_position(ARRAY['info', 'warning', 'critical'], w.min_severity)
           <= pg_catalog.array_position(ARRAY['info', 'warning', 'critical'], a.severity)
     WHERE NOT EXISTS (SELECT FROM observa_internal.notifications n
                        WHERE n.tenant_id = a.tenant_id AND n.alert_id = a.alert_id AND n.webhook_id = w.webhook_id AND n.reopened = again.reopened
                          AND n.event = 'raised')
        ON CONFLICT (tenant_id, webhook_id, alert_id, reopened, event) DO NOTHING
    RETURNING alert_id
), forgotten AS (
    DELETE FROM observa_internal.alert_events e
     USING again
     WHERE e.tenant_id = again.tenant_id AND e.alert_id = again.alert_id AND e.event = 'notified_again'
       AND e.at < pg_catalog.now() - interval '30 days'
)
INSERT INTO observa_internal.alert_events (tenant_id, alert_id, event, actor, value)
SELECT again.tenant_id, again.alert_id, 'notified_again', 'rule ' || again.rule, again.current_value
  FROM again
 WHERE EXISTS (SELECT FROM renewed) OR EXISTS (SELECT FROM queued)
