-- $1: tries of a notification. Webhooks for which something is due. Whoever claims for one holds it until the claim is committed:
-- nobody else counts meanwhile what is on the way to it. A new notification locks its webhook, too, and does not wait for this lock.
SELECT w.webhook_id
  FROM observa_internal.webhooks w
 WHERE w.enabled
   AND EXISTS (SELECT FROM observa_internal.notifications n
                WHERE n.tenant_id = w.tenant_id AND n.webhook_id = w.webhook_id AND n.state IN ('pending', 'sending')
                  AND n.next_attempt <= pg_catalog.now() AND n.attempts < $1)
   FOR NO KEY UPDATE OF w SKIP LOCKED
