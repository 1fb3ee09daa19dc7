-- Cheaper than to claim nothing: asked every second where nothing is due. What waits for a webhook that is not enabled is not.
SELECT EXISTS (SELECT FROM observa_internal.notifications n
                 JOIN observa_internal.webhooks w ON w.tenant_id = n.tenant_id AND w.webhook_id = n.webhook_id
                WHERE w.enabled AND n.state IN ('pending', 'sending') AND n.next_attempt <= pg_catalog.now())
