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
    trace_id text COLLATE "C",
    span_id text,
    event_id text COLLATE "C",
    model text,
    route text,
    user_id text,
    details jsonb NOT NULL,
    PRIMARY KEY (tenant_id, ts, signal_id)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE observa_internal.signals IS 'Facts that were detected, at the time of their event';
COMMENT ON COLUMN observa_internal.signals.alert_group IS 'What an alert about it is about: one is open for each rule and group';
COMMENT ON CONSTRAINT signals_pkey ON observa_internal.signals IS 'A tenant''s time range';
CREATE INDEX IF NOT EXISTS signals_trace ON observa_internal.signals (tenant_id, trace_id);
COMMENT ON INDEX observa_internal.signals_trace IS 'The signals of a trace';

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
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    acknowledged_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    note text,
    PRIMARY KEY (tenant_id, alert_id)
);
COMMENT ON TABLE observa_internal.alerts IS 'What somebody should look at: one open alert for each rule and group';
COMMENT ON COLUMN observa_internal.alerts.alert_key IS 'Hash of project, environment, rule and group: a group''s text may be longer than an index takes';
CREATE UNIQUE INDEX IF NOT EXISTS alerts_open ON observa_internal.alerts (tenant_id, alert_key)
    WHERE status IN ('active', 'acknowledged');
COMMENT ON INDEX observa_internal.alerts_open IS 'One open alert for each rule and group';
CREATE INDEX IF NOT EXISTS alerts_created ON observa_internal.alerts (tenant_id, created_at);
COMMENT ON INDEX observa_internal.alerts_created IS 'The newest alerts';

CREATE OR REPLACE TRIGGER raise_alerts AFTER INSERT ON observa_internal.signals
    REFERENCING NEW TABLE AS new_signals
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.raise_alerts();
