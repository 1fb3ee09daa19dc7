-- Queues what is new of the acting tenant's alerts for its webhooks, and tells listeners of new ones: an id alone, as anybody may
-- listen. An alert may have gone through several states since the last look. One of yesterday's is no news: it was stored by an
-- older library, or restored.
WITH news AS MATERIALIZED (
    SELECT a.tenant_id, a.alert_id, a.project_id, a.severity, a.status, a.acknowledged_at, a.resolved_at, a.closed_at,
           a.reopened, a.reopened IS DISTINCT FROM a.told_reopened AS is_reopened, coalesce(a.told, 'none') AS told,
           a.told IS NULL AND a.created_at > pg_catalog.now() - interval '1 day' AS is_raised
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND (a.told IS DISTINCT FROM a.status OR a.told_reopened IS DISTINCT FROM a.reopened)
     LIMIT 1000
       FOR UPDATE SKIP LOCKED
), told AS (
    UPDATE observa_internal.alerts a
       SET told = n.status, told_reopened = n.reopened
      FROM news n
     WHERE a.tenant_id = n.tenant_id AND a.alert_id = n.alert_id
), queued AS (
    INSERT INTO observa_internal.notifications (tenant_id, webhook_id, alert_id, reopened, event, dedup_key)
    SELECT n.tenant_id, w.webhook_id, n.alert_id, coalesce(n.reopened, 0), e.event, 'observa-' || n.alert_id
      FROM news n
     CROSS JOIN LATERAL (VALUES
           ('raised', n.is_raised),
           ('reopened', n.is_reopened AND NOT n.is_raised),
           ('acknowledged', n.acknowledged_at IS NOT NULL AND (n.is_raised OR n.is_reopened OR n.told = 'active')),
           ('resolved', n.resolved_at IS NOT NULL AND (n.is_raised OR n.is_reopened OR n.told IN ('active', 'acknowledged'))),
           ('closed', n.closed_at IS NOT NULL AND (n.is_raised OR n.is_reopened OR n.told IN ('active', 'acknowledged', 'resolved')))) e (event, is_new)
      JOIN observa_internal.webhooks w
        ON w.tenant_id = n.tenant_id AND w.enabled AND (w.project_id IS NULL OR w.project_id = n.project_id)
       AND pg_catalog.array_position(ARRAY['info', 'warning', 'critical'], w.min_severity)
           <= pg_catalog.array_position(ARRAY['info', 'warning', 'critical'], n.severity)
     WHERE e.is_new
     ORDER BY n.alert_id, w.webhook_id, e.event
        ON CONFLICT (tenant_id, webhook_id, alert_id, reopened, event) DO NOTHING
)
SELECT CASE WHEN n.is_raised THEN pg_catalog.pg_notify('observa_alerts', n.alert_id::text)::text END FROM news n
