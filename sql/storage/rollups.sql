-- What dashboards read: sums by minute, hour, day and week. A batch appends what it adds to rollup_deltas, as one row for each tenant, so
-- that no two clients wait for each other; maintenance moves that into the rows. Histograms are bytes here: these tables outlive the
-- extension, and a column of its type would not.
CREATE TABLE IF NOT EXISTS observa_internal.rollup_deltas (
    tenant_id uuid NOT NULL,
    delta_id uuid NOT NULL,
    added_at timestamptz NOT NULL,
    entries bytea COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (tenant_id, delta_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000,
        toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 20000);
COMMENT ON TABLE observa_internal.rollup_deltas IS 'What batches have added to the sums, until maintenance folds it into metrics';
COMMENT ON COLUMN observa_internal.rollup_deltas.entries IS 'Protobuf of Observa''s own';
COMMENT ON CONSTRAINT rollup_deltas_pkey ON observa_internal.rollup_deltas IS 'A tenant''s deltas in the order of their arrival, to fold and to read';

CREATE TABLE IF NOT EXISTS observa_internal.damaged_deltas (
    tenant_id uuid NOT NULL,
    delta_id uuid NOT NULL,
    added_at timestamptz NOT NULL,
    entries bytea COMPRESSION lz4 NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, delta_id)
);
COMMENT ON TABLE observa_internal.damaged_deltas IS 'What a fold could not read: the sums are without it. Empty, as a rule';
COMMENT ON COLUMN observa_internal.damaged_deltas.entries IS 'As it was in rollup_deltas';
COMMENT ON CONSTRAINT damaged_deltas_pkey ON observa_internal.damaged_deltas IS 'The delta';

CREATE TABLE IF NOT EXISTS observa_internal.metric_series (
    tenant_id uuid NOT NULL,
    series_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    event_type text NOT NULL,
    status text NOT NULL,
    provider text,
    model text,
    route text,
    tool_name text,
    version text,
    first_seen timestamptz NOT NULL DEFAULT pg_catalog.now(),
    last_seen date NOT NULL DEFAULT (pg_catalog.now() AT TIME ZONE 'UTC')::date,
    PRIMARY KEY (tenant_id, series_id)
);
ALTER TABLE observa_internal.metric_series ADD COLUMN IF NOT EXISTS last_seen date NOT NULL DEFAULT (pg_catalog.now() AT TIME ZONE 'UTC')::date;
COMMENT ON TABLE observa_internal.metric_series IS 'What rows of metrics are told apart by';
COMMENT ON COLUMN observa_internal.metric_series.series_id IS 'A hash of the other columns';
COMMENT ON COLUMN observa_internal.metric_series.last_seen IS 'The last day in UTC on which something of it was folded; it counts for observa.series_days more';
COMMENT ON CONSTRAINT metric_series_pkey ON observa_internal.metric_series IS 'The names of a row of metrics';
CREATE INDEX IF NOT EXISTS metric_series_seen ON observa_internal.metric_series (tenant_id, last_seen);
COMMENT ON INDEX observa_internal.metric_series_seen IS 'A tenant''s series that count against observa.max_series';

CREATE TABLE IF NOT EXISTS observa_internal.metrics (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    bucket timestamptz NOT NULL,
    series_id uuid NOT NULL,
    events bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    billable bigint NOT NULL,
    priced bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    latency bytea COMPRESSION lz4,
    ttft bytea COMPRESSION lz4,
    PRIMARY KEY (tenant_id, resolution, bucket, series_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.metrics IS 'Sums of a series over a minute, an hour, a day or a week';
ALTER TABLE observa_internal.metrics ADD COLUMN IF NOT EXISTS coherence_sum double precision, ADD COLUMN IF NOT EXISTS coherence_count bigint,
    ADD COLUMN IF NOT EXISTS toxicity_sum double precision, ADD COLUMN IF NOT EXISTS toxicity_count bigint,
    ADD COLUMN IF NOT EXISTS hallucination_risk_sum double precision, ADD COLUMN IF NOT EXISTS hallucination_risk_count bigint;
COMMENT ON COLUMN observa_internal.metrics.coherence_sum IS 'NULL, as coherence_count: nothing of it was scored, or it came before scores were kept here';
COMMENT ON COLUMN observa_internal.metrics.toxicity_sum IS 'NULL, as toxicity_count: nothing of it was scored, or it came before scores were kept here';
COMMENT ON COLUMN observa_internal.metrics.hallucination_risk_sum IS 'NULL, as hallucination_risk_count: nothing of it was scored, or it came before scores were kept here';
COMMENT ON COLUMN observa_internal.metrics.priced IS 'Billable events whose cost is known: where there are none, the cost is NULL to readers';
COMMENT ON CONSTRAINT metrics_pkey ON observa_internal.metrics IS 'The row that is added to, and a tenant''s time range';

DROP INDEX IF EXISTS observa_internal.metrics_days;
CREATE INDEX IF NOT EXISTS metrics_series_days ON observa_internal.metrics (tenant_id, series_id, bucket) WHERE resolution = 'day';
COMMENT ON INDEX observa_internal.metrics_series_days IS 'All tenants'' days, of which the materialized views are made, and whether a series has any';

CREATE TABLE IF NOT EXISTS observa_internal.metric_totals (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    bucket timestamptz NOT NULL,
    project_id uuid NOT NULL,
    environment text COLLATE "C" NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    billable bigint NOT NULL,
    priced bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    coherence_sum double precision NOT NULL,
    coherence_count bigint NOT NULL,
    toxicity_sum double precision NOT NULL,
    toxicity_count bigint NOT NULL,
    hallucination_risk_sum double precision NOT NULL,
    hallucination_risk_count bigint NOT NULL,
    latency bytea COMPRESSION lz4,
    ttft bytea COMPRESSION lz4,
    PRIMARY KEY (tenant_id, resolution, bucket, project_id, environment, event_type)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE observa_internal.metric_totals ADD COLUMN IF NOT EXISTS users bytea COMPRESSION lz4;
COMMENT ON COLUMN observa_internal.metric_totals.users IS 'A sketch of their end users, from which nobody is taken out; NULL: they had none, or came before it was kept';
COMMENT ON TABLE observa_internal.metric_totals IS 'Sums of all series of a type of event: few rows, for overviews';
COMMENT ON CONSTRAINT metric_totals_pkey ON observa_internal.metric_totals IS 'The row that is added to, and a tenant''s time range';

-- Of older storage, which had no weeks, and whose constraint allowed none. Where their view is not there yet, folds and dashboards do without them.
DO $weeks$
BEGIN
    IF pg_catalog.to_regclass('observa.metrics_week') IS NULL THEN
        ALTER TABLE observa_internal.metrics NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE observa_internal.metric_totals NO FORCE ROW LEVEL SECURITY;
        IF EXISTS (SELECT FROM pg_catalog.pg_constraint c
                    WHERE c.conrelid = 'observa_internal.metrics'::pg_catalog.regclass AND c.conname = 'metrics_resolution_check') THEN
            ALTER TABLE observa_internal.metrics DROP CONSTRAINT metrics_resolution_check;
            ALTER TABLE observa_internal.metric_totals DROP CONSTRAINT metric_totals_resolution_check;
        ELSE
            DELETE FROM observa_internal.metrics WHERE resolution = 'week';
            DELETE FROM observa_internal.metric_totals WHERE resolution = 'week';
        END IF;
        INSERT INTO observa_internal.metrics (tenant_id, resolution, bucket, series_id, events, errors, timeouts, billable, priced,
               input_tokens, output_tokens, cached_input_tokens,
               cache_write_tokens, reasoning_tokens, total_tokens, cost_usd, coherence_sum, coherence_count, toxicity_sum, toxicity_count,
               hallucination_risk_sum, hallucination_risk_count, latency, ttft)
        SELECT m.tenant_id, 'week', pg_catalog.date_trunc('week', m.bucket, 'UTC'), m.series_id, pg_catalog.sum(m.events), pg_catalog.sum(m.errors),
               pg_catalog.sum(m.timeouts), pg_catalog.sum(m.billable), pg_catalog.sum(m.priced), pg_catalog.sum(m.input_tokens),
               pg_catalog.sum(m.output_tokens), pg_catalog.sum(m.cached_input_tokens), pg_catalog.sum(m.cache_write_tokens),
               pg_catalog.sum(m.reasoning_tokens), pg_catalog.sum(m.total_tokens), pg_catalog.sum(m.cost_usd), pg_catalog.sum(m.coherence_sum),
               pg_catalog.sum(m.coherence_count), pg_catalog.sum(m.toxicity_sum), pg_catalog.sum(m.toxicity_count),
               pg_catalog.sum(m.hallucination_risk_sum), pg_catalog.sum(m.hallucination_risk_count),
               observa.merge(m.latency::observa.histogram)::bytea, observa.merge(m.ttft::observa.histogram)::bytea
          FROM observa_internal.metrics m WHERE m.resolution = 'day'
         GROUP BY 1, 2, 3, 4;
        INSERT INTO observa_internal.metric_totals (tenant_id, resolution, bucket, project_id, environment, event_type, events, errors,
               timeouts, billable, priced, input_tokens,
               output_tokens, cached_input_tokens, cache_write_tokens, reasoning_tokens, total_tokens, cost_usd, coherence_sum, coherence_count,
               toxicity_sum, toxicity_count, hallucination_risk_sum, hallucination_risk_count, latency, ttft, users)
        SELECT m.tenant_id, 'week', pg_catalog.date_trunc('week', m.bucket, 'UTC'), m.project_id, m.environment, m.event_type,
               pg_catalog.sum(m.events), pg_catalog.sum(m.errors), pg_catalog.sum(m.timeouts), pg_catalog.sum(m.billable), pg_catalog.sum(m.priced),
               pg_catalog.sum(m.input_tokens), pg_catalog.sum(m.output_tokens), pg_catalog.sum(m.cached_input_tokens),
               pg_catalog.sum(m.cache_write_tokens), pg_catalog.sum(m.reasoning_tokens), pg_catalog.sum(m.total_tokens), pg_catalog.sum(m.cost_usd),
               pg_catalog.sum(m.coherence_sum), pg_catalog.sum(m.coherence_count), pg_catalog.sum(m.toxicity_sum), pg_catalog.sum(m.toxicity_count),
               pg_catalog.sum(m.hallucination_risk_sum), pg_catalog.sum(m.hallucination_risk_count),
               observa.merge(m.latency::observa.histogram)::bytea, observa.merge(m.ttft::observa.histogram)::bytea,
               observa.merge(m.users::observa.distinct_values)::bytea
          FROM observa_internal.metric_totals m WHERE m.resolution = 'day'
         GROUP BY 1, 2, 3, 4, 5, 6;
        ALTER TABLE observa_internal.metrics FORCE ROW LEVEL SECURITY;
        ALTER TABLE observa_internal.metric_totals FORCE ROW LEVEL SECURITY;
    END IF;
END
$weeks$;

CREATE TABLE IF NOT EXISTS observa_internal.user_metrics (
    tenant_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    project_id uuid NOT NULL,
    environment text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    billable bigint NOT NULL,
    priced bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    PRIMARY KEY (tenant_id, bucket, project_id, environment, user_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.user_metrics IS 'Sums of an application''s end user over an hour';
COMMENT ON CONSTRAINT user_metrics_pkey ON observa_internal.user_metrics IS 'The row that is added to, and a tenant''s time range';

CREATE TABLE IF NOT EXISTS observa_internal.user_metric_days (
    tenant_id uuid NOT NULL,
    bucket timestamptz NOT NULL,
    project_id uuid NOT NULL,
    environment text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    billable bigint NOT NULL,
    priced bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    PRIMARY KEY (tenant_id, bucket, project_id, environment, user_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.user_metric_days IS 'Sums of the hours of user_metrics over a day in UTC, kept as long: a month of users who come each hour is a twentieth of the rows';
COMMENT ON CONSTRAINT user_metric_days_pkey ON observa_internal.user_metric_days IS 'The row that is added to, and a tenant''s time range';
-- Of older storage, which had hours alone. Only a table that was just made has no row security yet.
DO $days$
BEGIN
    IF NOT (SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = 'observa_internal.user_metric_days'::pg_catalog.regclass) THEN
        ALTER TABLE observa_internal.user_metrics NO FORCE ROW LEVEL SECURITY;
        INSERT INTO observa_internal.user_metric_days (tenant_id, bucket, project_id, environment, user_id, events, errors, timeouts, billable,
               priced, total_tokens, cost_usd)
        SELECT m.tenant_id, pg_catalog.date_trunc('day', m.bucket, 'UTC'), m.project_id, m.environment, m.user_id, pg_catalog.sum(m.events),
               pg_catalog.sum(m.errors), pg_catalog.sum(m.timeouts), pg_catalog.sum(m.billable), pg_catalog.sum(m.priced),
               pg_catalog.sum(m.total_tokens), pg_catalog.sum(m.cost_usd)
          FROM observa_internal.user_metrics m
         GROUP BY 1, 2, 3, 4, 5;
        ALTER TABLE observa_internal.user_metrics FORCE ROW LEVEL SECURITY;
    END IF;
END
$days$;

-- To count users of a day means to read all of them: it is done where something has changed.
CREATE TABLE IF NOT EXISTS observa_internal.user_days (
    tenant_id uuid NOT NULL,
    day date NOT NULL,
    users bigint NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
COMMENT ON TABLE observa_internal.user_days IS 'How many end users of an application did something on a day in UTC; it outlives user_metrics';
COMMENT ON CONSTRAINT user_days_pkey ON observa_internal.user_days IS 'A tenant''s days';

CREATE TABLE IF NOT EXISTS observa_internal.changed_user_days (
    tenant_id uuid NOT NULL,
    day date NOT NULL
);
COMMENT ON TABLE observa_internal.changed_user_days IS 'Days in UTC whose users a fold has changed, until they are counted anew; a day may be in it many times';
CREATE INDEX IF NOT EXISTS user_metrics_user ON observa_internal.user_metrics (tenant_id, user_id, bucket);
COMMENT ON INDEX observa_internal.user_metrics_user IS 'The hours of one user, for a budget of theirs';

CREATE TABLE IF NOT EXISTS observa_internal.tag_metrics (
    tenant_id uuid NOT NULL,
    tag text COLLATE "C" NOT NULL,
    bucket timestamptz NOT NULL,
    project_id uuid NOT NULL,
    environment text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    events bigint NOT NULL,
    errors bigint NOT NULL,
    timeouts bigint NOT NULL,
    billable bigint NOT NULL,
    priced bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_usd numeric NOT NULL,
    users bytea COMPRESSION lz4,
    PRIMARY KEY (tenant_id, tag, bucket, project_id, environment, value)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.tag_metrics IS 'Sums of a value of a tag over an hour';
COMMENT ON COLUMN observa_internal.tag_metrics.users IS 'A sketch of their end users, from which nobody is taken out; NULL: they had none';
COMMENT ON CONSTRAINT tag_metrics_pkey ON observa_internal.tag_metrics IS 'The row that is added to, and a time range of a tag';
