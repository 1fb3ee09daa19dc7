-- $1 id. With what was queued for it, and its log.
WITH queued AS (
    DELETE FROM observa_internal.notifications n WHERE n.tenant_id = observa.current_tenant() AND n.webhook_id = $1
)
DELETE FROM observa_internal.webhooks w WHERE w.tenant_id = observa.current_tenant() AND w.webhook_id = $1
