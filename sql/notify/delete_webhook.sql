-- $1 id. What was queued for it, and its log, go with it.
DELETE FROM observa_internal.webhooks w WHERE w.tenant_id = observa.current_tenant() AND w.webhook_id = $1
