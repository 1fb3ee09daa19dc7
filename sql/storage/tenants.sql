-- Who the data belongs to. Made by observa.setup(), so that neither DROP EXTENSION nor an upgrade touches a row.
CREATE TABLE IF NOT EXISTS observa_internal.tenants (
    tenant_id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    pseudonym_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE observa_internal.tenants IS 'Customers, each blind to the others';
COMMENT ON COLUMN observa_internal.tenants.pseudonym_key IS 'Key of the HMAC that stands for identifiers which are personal data';

CREATE TABLE IF NOT EXISTS observa_internal.projects (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    project_id uuid NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    environment text NOT NULL DEFAULT 'prod',
    scrub_emails boolean,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, project_id),
    UNIQUE (tenant_id, name, environment)
);
ALTER TABLE observa_internal.projects
    ADD COLUMN IF NOT EXISTS quality_scores boolean,
    ADD COLUMN IF NOT EXISTS events_per_minute integer CHECK (events_per_minute >= 0),
    ADD COLUMN IF NOT EXISTS monthly_events bigint CHECK (monthly_events >= 0),
    ADD COLUMN IF NOT EXISTS retention_days integer CHECK (retention_days BETWEEN 0 AND 20000),
    ADD COLUMN IF NOT EXISTS payload_retention_days integer CHECK (payload_retention_days BETWEEN 0 AND 20000),
    ADD COLUMN IF NOT EXISTS stopped_until timestamptz,
    ADD COLUMN IF NOT EXISTS metric_tags text[] CHECK (pg_catalog.cardinality(metric_tags) BETWEEN 1 AND 10);
COMMENT ON TABLE observa_internal.projects IS 'Applications of a tenant';
COMMENT ON COLUMN observa_internal.projects.environment IS 'Environment of events that name none';
COMMENT ON COLUMN observa_internal.projects.scrub_emails IS 'Whether e-mail addresses are replaced; NULL: as observa.scrub_emails says';
COMMENT ON COLUMN observa_internal.projects.quality_scores IS 'Whether answers are scored where the client sends no scores; NULL: as observa.quality_scores says';
COMMENT ON COLUMN observa_internal.projects.events_per_minute IS 'Events that it may send in a minute, 0: any number; NULL: as observa.events_per_minute says, together with the tenant''s other projects';
COMMENT ON COLUMN observa_internal.projects.monthly_events IS 'Events that it may store in a calendar month in UTC; NULL: any number';
COMMENT ON COLUMN observa_internal.projects.retention_days IS 'Days that events, signals and ended alerts are kept, 0: for ever; NULL: as observa.retention_days says';
COMMENT ON COLUMN observa_internal.projects.payload_retention_days IS 'Days that prompts, answers, attributes, logs and dead letters are kept, 0: as long as events; NULL: as observa.payload_retention_days says';
COMMENT ON COLUMN observa_internal.projects.stopped_until IS 'Nothing is stored before, as a budget with hard_stop is exceeded; NULL: none is';
COMMENT ON COLUMN observa_internal.projects.metric_tags IS 'Tags that tag_metrics has sums by, of events that come; NULL: none';

CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.projects
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
