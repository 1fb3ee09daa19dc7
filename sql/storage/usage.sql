-- How many events each project has stored, by the month of their arrival in UTC. A batch appends what it adds, so that no two
-- clients wait for each other; maintenance moves that into one row.
CREATE TABLE IF NOT EXISTS observa_internal.usage (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    month date NOT NULL CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date),
    events bigint NOT NULL,
    told smallint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, project_id, month)
);
COMMENT ON TABLE observa_internal.usage IS 'Events of a project in a month, as far as maintenance has folded them';
COMMENT ON COLUMN observa_internal.usage.month IS 'Its first day';
COMMENT ON COLUMN observa_internal.usage.told IS 'The percentage of the quota that a signal has told of: 0, 80 or 100';
COMMENT ON CONSTRAINT usage_pkey ON observa_internal.usage IS 'The row that a batch''s events are added to, and a project''s months';

CREATE TABLE IF NOT EXISTS observa_internal.usage_deltas (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    month date NOT NULL,
    events bigint NOT NULL
);
COMMENT ON TABLE observa_internal.usage_deltas IS 'Events that each batch has added, until maintenance folds them into usage';
CREATE INDEX IF NOT EXISTS usage_deltas_project ON observa_internal.usage_deltas (tenant_id, project_id, month);
COMMENT ON INDEX observa_internal.usage_deltas_project IS 'What a project has used since the last fold, for its quota; a tenant''s, to fold';
