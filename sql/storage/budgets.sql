-- What a tenant wants to spend at most.
CREATE TABLE IF NOT EXISTS observa_internal.budgets (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    budget_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    project_id uuid,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    model text COLLATE "C" CHECK (length(model) BETWEEN 1 AND 512),
    user_id text COLLATE "C" CHECK (length(user_id) BETWEEN 1 AND 512),
    tag text COLLATE "C" CHECK (length(tag) BETWEEN 1 AND 64),
    value text COLLATE "C" CHECK (length(value) BETWEEN 1 AND 200),
    period text NOT NULL CHECK (period IN ('day', 'week', 'month')),
    amount_usd numeric NOT NULL CHECK (amount_usd > 0 AND amount_usd < 'Infinity'),
    warn_percent integer NOT NULL DEFAULT 80 CHECK (warn_percent BETWEEN 1 AND 100),
    enabled boolean NOT NULL DEFAULT true,
    hard_stop boolean NOT NULL DEFAULT false,
    told smallint NOT NULL DEFAULT 0 CHECK (told BETWEEN 0 AND 2),
    told_in timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, budget_id),
    UNIQUE (tenant_id, name),
    CONSTRAINT budgets_of_one_thing CHECK (pg_catalog.num_nonnulls(model, user_id, tag) <= 1),
    CONSTRAINT budgets_stop_everything CHECK (NOT hard_stop OR pg_catalog.num_nonnulls(model, user_id, tag) = 0),
    CONSTRAINT budgets_tag_and_value CHECK ((tag IS NULL) = (value IS NULL))
);
COMMENT ON TABLE observa_internal.budgets IS 'What a tenant wants to spend at most';
COMMENT ON COLUMN observa_internal.budgets.project_id IS 'NULL: all projects of the tenant together';
COMMENT ON COLUMN observa_internal.budgets.hard_stop IS 'Whether projects.stopped_until follows from it';
COMMENT ON COLUMN observa_internal.budgets.told IS 'What signals have told of since told_in: 1 the warning, 2 that it is exceeded';
COMMENT ON COLUMN observa_internal.budgets.told_in IS 'The beginning of the period that told is of; NULL: none was told of';
COMMENT ON CONSTRAINT budgets_pkey ON observa_internal.budgets IS 'A budget that is changed, and a tenant''s';
COMMENT ON CONSTRAINT budgets_of_one_thing ON observa_internal.budgets IS 'Sums are kept by each of them, not by several together';
