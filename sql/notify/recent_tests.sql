-- $1 webhook of the acting tenant.
SELECT pg_catalog.count(*) FROM observa_internal.notifications n
 WHERE n.tenant_id = observa.current_tenant() AND n.webhook_id = $1 AND n.alert_id IS NULL AND n.event = 'test'
   AND n.created_at > pg_catalog.now() - interval '1 minute'
