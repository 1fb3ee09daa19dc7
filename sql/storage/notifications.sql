-- Signals whose alert another transaction held the lock of: where that one rolls back, the job raises it.
CREATE TABLE IF NOT EXISTS observa_internal.alert_candidates (
    tenant_id uuid NOT NULL,
    signal_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, signal_id)
);
COMMENT ON TABLE observa_internal.alert_candidates IS 'Signals whose alert another transaction was about to raise; the job alerts looks whether it did';
COMMENT ON COLUMN observa_internal.alert_candidates.ts IS 'The signal''s own, which finds it';

ALTER TABLE observa_internal.alerts ADD COLUMN IF NOT EXISTS told text
    CHECK (told IN ('active', 'acknowledged', 'resolved', 'closed'));
COMMENT ON COLUMN observa_internal.alerts.told IS 'The status that webhooks and listeners have been told of; NULL: none yet';
ALTER TABLE observa_internal.alerts ADD COLUMN IF NOT EXISTS told_reopened integer;
COMMENT ON COLUMN observa_internal.alerts.told_reopened IS 'The reopening that webhooks have been told of; NULL: none';
DROP INDEX IF EXISTS observa_internal.alerts_untold;
CREATE INDEX IF NOT EXISTS alerts_news ON observa_internal.alerts (tenant_id) WHERE told IS DISTINCT FROM status OR told_reopened IS DISTINCT FROM reopened;
COMMENT ON INDEX observa_internal.alerts_news IS 'What is to be told. A transaction that commits late is in it, whatever its time';

CREATE TABLE IF NOT EXISTS observa_internal.webhooks (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    webhook_id uuid NOT NULL,
    project_id uuid,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    url text NOT NULL CHECK (length(url) <= 2000),
    shown_url text NOT NULL,
    format text NOT NULL CHECK (format IN ('generic', 'slack', 'pagerduty')),
    min_severity text NOT NULL CHECK (min_severity IN ('info', 'warning', 'critical')),
    enabled boolean NOT NULL DEFAULT true,
    secret text CHECK (length(secret) <= 500),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, webhook_id)
);
COMMENT ON TABLE observa_internal.webhooks IS 'Where alerts are sent to';
COMMENT ON COLUMN observa_internal.webhooks.project_id IS 'NULL: alerts of all projects of the tenant';
COMMENT ON COLUMN observa_internal.webhooks.url IS 'No role may read it: a path like Slack''s is a secret';
COMMENT ON COLUMN observa_internal.webhooks.shown_url IS 'Scheme and host of it';
COMMENT ON COLUMN observa_internal.webhooks.secret IS 'The HMAC key of format generic, PagerDuty''s routing key. No role may read it; NULL: none';

-- The outbox and the delivery log in one: what is sent stays, for a while.
CREATE TABLE IF NOT EXISTS observa_internal.notifications (
    tenant_id uuid NOT NULL,
    notification_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    webhook_id uuid NOT NULL,
    alert_id uuid,
    event text NOT NULL,
    dedup_key text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL DEFAULT pg_catalog.now(),
    lease uuid,
    last_status integer,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, notification_id),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES observa_internal.webhooks ON DELETE CASCADE
) WITH (fillfactor = 80);
COMMENT ON TABLE observa_internal.notifications IS 'What is to be sent to webhooks, and what became of it';
COMMENT ON COLUMN observa_internal.notifications.alert_id IS 'NULL: a test';
COMMENT ON COLUMN observa_internal.notifications.dedup_key IS 'The same for all that is told of an alert, and for every try';
COMMENT ON COLUMN observa_internal.notifications.next_attempt IS 'When it is due; while it is sent, when its lease ends';
COMMENT ON COLUMN observa_internal.notifications.lease IS 'Of who sends it: what another one says is no longer taken';
COMMENT ON COLUMN observa_internal.notifications.last_status IS 'HTTP status of the last answer; NULL: there was none';
COMMENT ON COLUMN observa_internal.notifications.last_error IS 'Why the last try failed, without payload and address; NULL: it did not';
ALTER TABLE observa_internal.notifications
    ADD COLUMN IF NOT EXISTS reopened integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT IF EXISTS notifications_event_check,
    DROP CONSTRAINT IF EXISTS notifications_event,
    ADD CONSTRAINT notifications_event CHECK (event IN ('raised', 'reopened', 'acknowledged', 'resolved', 'closed', 'test'));
COMMENT ON COLUMN observa_internal.notifications.reopened IS 'How often its alert had been reopened: each time all can be told anew';
COMMENT ON CONSTRAINT notifications_event ON observa_internal.notifications IS 'What formats know';
DROP INDEX IF EXISTS observa_internal.notifications_once;
CREATE UNIQUE INDEX IF NOT EXISTS notifications_each ON observa_internal.notifications (tenant_id, webhook_id, alert_id, reopened, event);
COMMENT ON INDEX observa_internal.notifications_each IS 'Nothing is queued twice';
CREATE INDEX IF NOT EXISTS notifications_due ON observa_internal.notifications (tenant_id, webhook_id, next_attempt)
    WHERE state IN ('pending', 'sending');
COMMENT ON INDEX observa_internal.notifications_due IS 'What is to be sent';
CREATE INDEX IF NOT EXISTS notifications_finished ON observa_internal.notifications (tenant_id, finished_at)
    WHERE state IN ('delivered', 'failed');
COMMENT ON INDEX observa_internal.notifications_finished IS 'What has been kept for long enough';

-- Who administers the tenant sees it all but what is secret.
DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['alert_candidates', 'webhooks', 'notifications'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS acting_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY acting_tenant ON observa_internal.%I TO observa_owner '
            'USING (tenant_id = observa.current_tenant()) WITH CHECK (tenant_id = observa.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['webhooks', 'notifications'] LOOP
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS administered_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY administered_tenant ON observa_internal.%I FOR SELECT TO observa_admin '
            'USING (tenant_id = observa.administered_tenant())', name);
    END LOOP;
END
$policies$;
GRANT SELECT (tenant_id, webhook_id, project_id, name, shown_url, format, min_severity, enabled, created_at)
    ON observa_internal.webhooks TO observa_admin;
GRANT SELECT (tenant_id, notification_id, webhook_id, alert_id, event, dedup_key, state, attempts, next_attempt, last_status,
              last_error, created_at, finished_at) ON observa_internal.notifications TO observa_admin;

-- Whoever delivers does it for all tenants.
GRANT SELECT ON observa_internal.webhooks, observa_internal.alert_candidates, observa_internal.alerts TO observa_system;
GRANT SELECT, UPDATE ON observa_internal.notifications TO observa_system;
-- Who claims locks a webhook, which takes the right to change a column.
GRANT UPDATE (enabled) ON observa_internal.webhooks TO observa_system;
