-- Without defaults: a function takes the table's row, so Postgres adds no column that would fill the rows.
ALTER TABLE observa_internal.alerts
    ADD COLUMN IF NOT EXISTS assignee text CHECK (length(assignee) BETWEEN 1 AND 200),
    ADD COLUMN IF NOT EXISTS reopened integer,
    ADD COLUMN IF NOT EXISTS raised_value double precision;
COMMENT ON COLUMN observa_internal.alerts.assignee IS 'Who looks after it, as whoever administers the tenant writes it; NULL: nobody';
COMMENT ON COLUMN observa_internal.alerts.reopened IS 'How often it was reopened: what is told of it is told anew each time; NULL: never';
COMMENT ON COLUMN observa_internal.alerts.raised_value IS 'The value that raised it, which current_value was then; NULL: none, or an older library raised it';

-- That an alert was raised is its own row's to tell: so to raise one costs ingest nothing more.
CREATE TABLE IF NOT EXISTS observa_internal.alert_events (
    tenant_id uuid NOT NULL,
    alert_id uuid NOT NULL,
    event_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    event text NOT NULL CHECK (event IN ('acknowledged', 'resolved', 'closed', 'reopened', 'assigned', 'unassigned', 'noted',
                                         'auto_resolved', 'escalated', 'notified_again')),
    actor text NOT NULL,
    note text,
    assignee text,
    value double precision,
    PRIMARY KEY (tenant_id, alert_id, event_id),
    FOREIGN KEY (tenant_id, alert_id) REFERENCES observa_internal.alerts ON DELETE CASCADE
);
COMMENT ON TABLE observa_internal.alert_events IS 'What became of alerts, each written by the transaction that did it';
COMMENT ON COLUMN observa_internal.alert_events.actor IS 'login, key, member or rule, and which';
COMMENT ON COLUMN observa_internal.alert_events.note IS 'What was said of it; NULL: nothing';
COMMENT ON COLUMN observa_internal.alert_events.assignee IS 'Whom it was given to; NULL: the event gave it to nobody';
COMMENT ON COLUMN observa_internal.alert_events.value IS 'What the alert is about, then, in the unit of its rule; NULL: not known';
CREATE INDEX IF NOT EXISTS alert_events_notes ON observa_internal.alert_events (tenant_id, at) WHERE note IS NOT NULL;
COMMENT ON INDEX observa_internal.alert_events_notes IS 'Notes by their age, for retention';
