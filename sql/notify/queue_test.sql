-- $1 webhook, $2 the notification's id.
INSERT INTO observa_internal.notifications (tenant_id, notification_id, webhook_id, event, dedup_key)
SELECT w.tenant_id, $2, w.webhook_id, 'test', 'observa-test-' || $2
  FROM observa_internal.webhooks w
 WHERE w.webhook_id = $1 AND w.enabled
