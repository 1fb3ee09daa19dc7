-- How models answer, by the day: of a sample, so that a shift is seen without reading every answer again.
CREATE TABLE IF NOT EXISTS observa_internal.answer_days (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    day date NOT NULL,
    project_id uuid NOT NULL,
    environment text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL,
    route text COLLATE "C" NOT NULL,
    manner jsonb NOT NULL,
    seen_until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, day, project_id, environment, model, route)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.answer_days IS 'How models answered on a day in UTC, of a sample of their answers';
COMMENT ON COLUMN observa_internal.answer_days.model IS 'Empty: the events do not say it; so in route';
COMMENT ON COLUMN observa_internal.answer_days.manner IS 'What observa.answer_days shows, as counts and sums';
COMMENT ON COLUMN observa_internal.answer_days.seen_until IS 'Answers of calls before this time have been sampled';
COMMENT ON CONSTRAINT answer_days_pkey ON observa_internal.answer_days IS 'The row that is added to, and a tenant''s last days';
