-- Issues: signals that a person would call one problem. A statement that stores signals appends what it adds to issue_deltas, a row for each
-- issue and hour, so that no two clients wait for each other however many have the same error; the job issues moves that into the rows.
DO $issue_id$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_attribute
                    WHERE attrelid = 'observa_internal.signals'::pg_catalog.regclass AND attname = 'issue_id' AND NOT attisdropped) THEN
        ALTER TABLE observa_internal.signals ADD COLUMN issue_id uuid;
        CREATE TABLE observa_internal.issue_backfills (
            tenant_id uuid PRIMARY KEY,
            next_day timestamptz
        );
        -- In a new storage who may look for tenants may not yet, and there are none.
        IF pg_catalog.has_table_privilege('observa_system', 'observa_internal.tenants', 'SELECT') THEN
            INSERT INTO observa_internal.issue_backfills (tenant_id) SELECT t FROM observa_internal.all_tenants() t;
        END IF;
    END IF;
END
$issue_id$;
COMMENT ON COLUMN observa_internal.signals.issue_id IS 'Hash of project, environment, name, group and what its error says; NULL: an older library stored it';
COMMENT ON TABLE observa_internal.issue_backfills IS 'Tenants whose older signals, without an issue_id, are still to be counted as issues';
COMMENT ON COLUMN observa_internal.issue_backfills.next_day IS 'The first day in UTC that is not counted yet; NULL: none is';
COMMENT ON CONSTRAINT issue_backfills_pkey ON observa_internal.issue_backfills IS 'The tenant';

CREATE TABLE IF NOT EXISTS observa_internal.issues (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    name text NOT NULL,
    subject text NOT NULL,
    title text NOT NULL,
    severity smallint NOT NULL CHECK (severity BETWEEN 1 AND 3),
    count bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    last_arrived timestamptz NOT NULL,
    sample_trace_ids text[] COLLATE "C" NOT NULL,
    users bytea COMPRESSION lz4,
    PRIMARY KEY (tenant_id, issue_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.issues IS 'Signals that a person would call one problem, counted';
COMMENT ON COLUMN observa_internal.issues.issue_id IS 'That of its signals';
COMMENT ON COLUMN observa_internal.issues.subject IS 'What it is about: the group of its signals';
COMMENT ON COLUMN observa_internal.issues.title IS 'What its errors say, without ids, numbers and quotes; else what its signals are called';
COMMENT ON COLUMN observa_internal.issues.severity IS '1 low, 2 medium, 3 high: the worst of its signals''';
COMMENT ON COLUMN observa_internal.issues.last_arrived IS 'When the last of its signals was stored: a resolution before that has not held';
COMMENT ON COLUMN observa_internal.issues.sample_trace_ids IS 'Some of its last traces, the newest first';
COMMENT ON COLUMN observa_internal.issues.users IS 'A sketch of their end users, from which nobody is taken out and of whom nobody can be asked without the tenant''s key; NULL: none is known';
COMMENT ON CONSTRAINT issues_pkey ON observa_internal.issues IS 'An issue';

CREATE TABLE IF NOT EXISTS observa_internal.issue_hours (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (tenant_id, issue_id, hour),
    FOREIGN KEY (tenant_id, issue_id) REFERENCES observa_internal.issues ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE observa_internal.issue_hours IS 'How many signals of an issue each of the last hours had';
COMMENT ON CONSTRAINT issue_hours_pkey ON observa_internal.issue_hours IS 'The trend of an issue';

CREATE TABLE IF NOT EXISTS observa_internal.issue_deltas (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    delta_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    hour timestamptz NOT NULL,
    arrived timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    project_id uuid NOT NULL,
    environment text NOT NULL,
    name text NOT NULL,
    subject text NOT NULL,
    title text NOT NULL,
    severity smallint NOT NULL,
    count bigint NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    sample_trace_ids text[] COLLATE "C",
    users bytea COMPRESSION lz4,
    PRIMARY KEY (tenant_id, issue_id, delta_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_scale_factor = 0,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);
COMMENT ON TABLE observa_internal.issue_deltas IS 'What statements have added to issues in an hour, until maintenance folds it into them';
COMMENT ON COLUMN observa_internal.issue_deltas.arrived IS 'When it was stored';
COMMENT ON COLUMN observa_internal.issue_deltas.sample_trace_ids IS 'The newest last; NULL: no signal had a trace';
COMMENT ON CONSTRAINT issue_deltas_pkey ON observa_internal.issue_deltas IS 'What is not folded yet of an issue';

-- Apart from the rows that a fold writes: who decides waits for none, and may decide on what is not folded yet.
CREATE TABLE IF NOT EXISTS observa_internal.issue_states (
    tenant_id uuid NOT NULL,
    issue_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('resolved', 'ignored')),
    decided_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    decided_by text NOT NULL,
    until timestamptz,
    note text,
    PRIMARY KEY (tenant_id, issue_id)
);
COMMENT ON TABLE observa_internal.issue_states IS 'What was decided about issues; of one that is open there is none';
COMMENT ON COLUMN observa_internal.issue_states.decided_by IS 'login, key or member, and which';
COMMENT ON COLUMN observa_internal.issue_states.until IS 'Until when it is ignored; NULL: until somebody reopens it';
COMMENT ON COLUMN observa_internal.issue_states.note IS 'What was said of it; NULL: nothing';
COMMENT ON CONSTRAINT issue_states_pkey ON observa_internal.issue_states IS 'The issue';
