CREATE OR REPLACE VIEW observa.webhooks WITH (security_invoker = true) AS
SELECT webhook_id AS id, project_id, name, shown_url AS url, format, min_severity, enabled, created_at, tenant_id
  FROM observa_internal.webhooks;
COMMENT ON VIEW observa.webhooks IS 'Where alerts are sent to, without secrets

For who administers the tenant. observa.create_webhook makes one, observa.update_webhook and observa.delete_webhook change it,
observa.test_webhook sends a test.';
COMMENT ON COLUMN observa.webhooks.project_id IS 'NULL: alerts of all projects of the tenant';
COMMENT ON COLUMN observa.webhooks.url IS 'Scheme and host; what follows may be a secret';
COMMENT ON COLUMN observa.webhooks.min_severity IS 'Alerts below it are not sent: info, warning, critical';

CREATE OR REPLACE VIEW observa.notifications WITH (security_invoker = true) AS
SELECT notification_id AS id, webhook_id, alert_id, event, state, attempts,
       CASE WHEN state IN ('pending', 'sending') THEN next_attempt END AS next_attempt,
       last_status, last_error, dedup_key, created_at, finished_at, tenant_id
  FROM observa_internal.notifications;
COMMENT ON VIEW observa.notifications IS 'What is to be sent to webhooks, and what became of it

For who administers the tenant. What was delivered is kept for a day, what failed for a week.';
COMMENT ON COLUMN observa.notifications.alert_id IS 'NULL: a test';
COMMENT ON COLUMN observa.notifications.event IS 'raised, reopened, acknowledged, resolved or closed: of an alert; else test';
COMMENT ON COLUMN observa.notifications.state IS 'pending, sending, delivered or failed';
COMMENT ON COLUMN observa.notifications.next_attempt IS 'When it is tried next, at the latest; NULL: no more';
COMMENT ON COLUMN observa.notifications.last_status IS 'HTTP status of the last answer; NULL: there was none';
COMMENT ON COLUMN observa.notifications.last_error IS 'Why the last try failed; NULL: it did not';
COMMENT ON COLUMN observa.notifications.dedup_key IS 'The same for all that is told of an alert';
COMMENT ON COLUMN observa.notifications.finished_at IS 'When it was delivered, or given up; NULL: neither yet';
