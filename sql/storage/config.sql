-- What a tenant decides about its own events. Defaults are in the extension's library; here are only the exceptions.
CREATE TABLE IF NOT EXISTS observa_internal.detection_rules (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    project_id uuid,
    name text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    severity text CHECK (severity IN ('low', 'medium', 'high')),
    threshold double precision CHECK (threshold >= 0 AND threshold < 'Infinity'),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE NULLS NOT DISTINCT (tenant_id, project_id, name)
);
COMMENT ON TABLE observa_internal.detection_rules IS 'Rules that a tenant or a project has changed';
COMMENT ON COLUMN observa_internal.detection_rules.project_id IS 'NULL: for all projects of the tenant';
COMMENT ON COLUMN observa_internal.detection_rules.severity IS 'NULL: as the built-in rule has it';
COMMENT ON COLUMN observa_internal.detection_rules.threshold IS 'In the rule''s unit; NULL: as the built-in rule has it';

CREATE TABLE IF NOT EXISTS observa_internal.model_prices (
    price_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    tenant_id uuid REFERENCES observa_internal.tenants ON DELETE CASCADE,
    project_id uuid,
    provider text,
    model text NOT NULL CHECK (length(model) BETWEEN 1 AND 512),
    maps_to text,
    rates jsonb NOT NULL DEFAULT '{}',
    context_window bigint,
    valid_from timestamptz NOT NULL DEFAULT '-infinity',
    valid_to timestamptz NOT NULL DEFAULT 'infinity',
    source text NOT NULL DEFAULT 'tenant',
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK (valid_from < valid_to)
);
ALTER TABLE observa_internal.model_prices
    ADD COLUMN IF NOT EXISTS hours_utc text
        CHECK (hours_utc ~ '^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$'),
    ADD COLUMN IF NOT EXISTS weekdays smallint[] CHECK (weekdays <@ '{1,2,3,4,5,6,7}' AND weekdays <> '{}'),
    ADD COLUMN IF NOT EXISTS loaded_at timestamptz;
COMMENT ON TABLE observa_internal.model_prices IS 'Prices beside the built-in ones';
COMMENT ON COLUMN observa_internal.model_prices.tenant_id IS 'NULL: for every tenant';
COMMENT ON COLUMN observa_internal.model_prices.project_id IS 'NULL: for all projects of the tenant';
COMMENT ON COLUMN observa_internal.model_prices.maps_to IS 'The model whose prices count: for a deployment''s name';
COMMENT ON COLUMN observa_internal.model_prices.rates IS 'USD per token, by token class';
COMMENT ON COLUMN observa_internal.model_prices.hours_utc IS 'The hours of the day in which the price holds, as 16:30-00:30; NULL: the whole day';
COMMENT ON COLUMN observa_internal.model_prices.weekdays IS 'The UTC weekdays on which it holds, Monday is 1; NULL: every day';
COMMENT ON COLUMN observa_internal.model_prices.loaded_at IS 'When observa.load_prices added it; NULL: a price that somebody wrote, which wins over loaded ones';
CREATE INDEX IF NOT EXISTS model_prices_tenant ON observa_internal.model_prices (tenant_id);
COMMENT ON INDEX observa_internal.model_prices_tenant IS 'A tenant''s own prices, and the end of a tenant';

CREATE TABLE IF NOT EXISTS observa_internal.scrub_patterns (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    name text NOT NULL CHECK (name ~ '^[a-z0-9_]{1,40}$'),
    pattern text NOT NULL CHECK (length(pattern) BETWEEN 1 AND 1000),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, name)
);
COMMENT ON TABLE observa_internal.scrub_patterns IS 'A tenant''s own secrets, as linear-time regular expressions';

CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.detection_rules
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.model_prices
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.scrub_patterns
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
