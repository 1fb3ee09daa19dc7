CREATE TABLE IF NOT EXISTS observa_internal.signals (
    tenant_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    signal_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high')),
    value double precision,
    threshold double precision,
    alert_group text NOT NULL,
    alert_key uuid,
    trace_id text COLLATE "C",
    span_id text,
    event_id text COLLATE "C",
    model text,
    route text,
    user_id text,
    details jsonb NOT NULL,
    PRIMARY KEY (tenant_id, ts, signal_id),
    CONSTRAINT signals_alert_key CHECK ((severity = 'low') = (alert_key IS NULL))
) PARTITION BY RANGE (ts);
COMMENT ON TABLE observa_internal.signals IS 'Facts that were detected, at the time of their event';
COMMENT ON COLUMN observa_internal.signals.alert_group IS 'What an alert about it is about: one is open for each rule and group';
COMMENT ON COLUMN observa_internal.signals.signal_id IS 'UUIDv7: the order in which signals arrived';
COMMENT ON COLUMN observa_internal.signals.alert_key IS 'Hash of project, environment, name and group: a group''s text may be longer than an index takes. NULL: it raises no alert';
COMMENT ON CONSTRAINT signals_alert_key ON observa_internal.signals IS 'Without its key a signal would raise no alert';
COMMENT ON CONSTRAINT signals_pkey ON observa_internal.signals IS 'A tenant''s time range';
CREATE INDEX IF NOT EXISTS signals_trace ON observa_internal.signals (tenant_id, trace_id);
COMMENT ON INDEX observa_internal.signals_trace IS 'The signals of a trace';
CREATE INDEX IF NOT EXISTS signals_alert ON observa_internal.signals (tenant_id, alert_key, signal_id) INCLUDE (ts)
    WHERE alert_key IS NOT NULL;
COMMENT ON INDEX observa_internal.signals_alert IS 'The occurrences of an alert in observa.alerts';

CREATE TABLE IF NOT EXISTS observa_internal.alerts (
    tenant_id uuid NOT NULL,
    alert_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    project_id uuid NOT NULL,
    environment text NOT NULL,
    rule text NOT NULL,
    alert_group text NOT NULL,
    alert_key uuid NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    source text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'acknowledged', 'resolved', 'closed')),
    current_value double precision,
    threshold_value double precision,
    first_seen timestamptz NOT NULL,
    opened uuid NOT NULL,
    ended uuid,
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    note text,
    PRIMARY KEY (tenant_id, alert_id)
);
COMMENT ON TABLE observa_internal.alerts IS 'What somebody should look at: one open alert for each rule and group';
COMMENT ON COLUMN observa_internal.alerts.alert_key IS 'That of its signals';
COMMENT ON COLUMN observa_internal.alerts.opened IS 'The signal that raised it';
COMMENT ON COLUMN observa_internal.alerts.ended IS 'UUIDv7 of the time when it was first resolved or closed: signals that arrive later are the next alert''s';
CREATE UNIQUE INDEX IF NOT EXISTS alerts_open ON observa_internal.alerts (tenant_id, alert_key)
    WHERE status IN ('active', 'acknowledged');
COMMENT ON INDEX observa_internal.alerts_open IS 'One open alert for each rule and group';
CREATE INDEX IF NOT EXISTS alerts_created ON observa_internal.alerts (tenant_id, created_at);
COMMENT ON INDEX observa_internal.alerts_created IS 'The newest alerts';
CREATE INDEX IF NOT EXISTS alerts_history ON observa_internal.alerts (tenant_id, alert_key, opened);
COMMENT ON INDEX observa_internal.alerts_history IS 'The alerts of a rule and group before and after one, which part its signals from theirs';

CREATE OR REPLACE TRIGGER raise_alerts AFTER INSERT ON observa_internal.signals
    REFERENCING NEW TABLE AS new_signals
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.raise_alerts();
