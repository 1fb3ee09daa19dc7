-- What rules over windows keep from one evaluation to the next: only of groups that are not simply well.
CREATE TABLE IF NOT EXISTS observa_internal.rule_states (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    alert_key uuid NOT NULL,
    rule text NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    alert_group text NOT NULL,
    signal text NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 2),
    worse_since timestamptz,
    well_since timestamptz,
    told_at timestamptz,
    notified_at timestamptz,
    flaps smallint NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (tenant_id, alert_key, rule)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.rule_states IS 'What rules over windows keep of groups that something is, was about to be, or was just wrong with';
COMMENT ON COLUMN observa_internal.rule_states.alert_key IS 'That of its signals: several rules may tell of one problem';
COMMENT ON COLUMN observa_internal.rule_states.signal IS 'What its signals are called';
COMMENT ON COLUMN observa_internal.rule_states.level IS 'What was told: 0 nothing, 1 a warning, 2 an alert';
COMMENT ON COLUMN observa_internal.rule_states.worse_since IS 'Since when it is worse than what was told; NULL: it is not';
COMMENT ON COLUMN observa_internal.rule_states.well_since IS 'Since when what was told is over; NULL: it is not';
COMMENT ON COLUMN observa_internal.rule_states.told_at IS 'The time of its last signal; NULL: none yet';
COMMENT ON COLUMN observa_internal.rule_states.notified_at IS 'When webhooks were told last; NULL: not yet';
COMMENT ON COLUMN observa_internal.rule_states.flaps IS 'How often it came back within the hour after it was well';
COMMENT ON COLUMN observa_internal.rule_states.ended_at IS 'When it was well again; NULL: it is not, or never was otherwise';
COMMENT ON CONSTRAINT rule_states_pkey ON observa_internal.rule_states IS 'What a rule keeps of a group, and the rules that tell of an alert''s problem';

CREATE TABLE IF NOT EXISTS observa_internal.rule_mutes (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    rule text NOT NULL CHECK (length(rule) BETWEEN 1 AND 200),
    alert_group text CHECK (length(alert_group) <= 4000),
    until timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CONSTRAINT rule_mutes_key UNIQUE NULLS NOT DISTINCT (tenant_id, rule, alert_group)
);
COMMENT ON TABLE observa_internal.rule_mutes IS 'What raises no alerts for a while';
COMMENT ON COLUMN observa_internal.rule_mutes.rule IS 'As alerts and signals call it';
COMMENT ON COLUMN observa_internal.rule_mutes.alert_group IS 'NULL: whatever it is about';
COMMENT ON CONSTRAINT rule_mutes_key ON observa_internal.rule_mutes IS 'What is asked for each alert that may be raised';

-- A rule over windows: what a tenant has changed of a built-in one, or all of its own.
ALTER TABLE observa_internal.detection_rules
    ADD COLUMN IF NOT EXISTS metric text CHECK (metric IN ('count', 'error_rate', 'p50_latency', 'p95_latency', 'p99_latency', 'p95_ttft', 'tokens', 'cost',
                                                      'coherence', 'toxicity', 'hallucination_risk', 'users')),
    ADD COLUMN IF NOT EXISTS filter jsonb,
    ADD COLUMN IF NOT EXISTS group_by text[],
    ADD COLUMN IF NOT EXISTS window_minutes integer CHECK (window_minutes BETWEEN 1 AND 1440),
    ADD COLUMN IF NOT EXISTS direction text CHECK (direction IN ('above', 'below')),
    ADD COLUMN IF NOT EXISTS warn_threshold double precision CHECK (warn_threshold >= 0 AND warn_threshold < 'Infinity'),
    ADD COLUMN IF NOT EXISTS min_samples bigint CHECK (min_samples >= 0),
    ADD COLUMN IF NOT EXISTS no_data text CHECK (no_data IN ('ignore', 'ok', 'alert', 'keep')),
    ADD COLUMN IF NOT EXISTS for_minutes integer CHECK (for_minutes BETWEEN 0 AND 1440),
    ADD COLUMN IF NOT EXISTS recover_threshold double precision CHECK (recover_threshold >= 0 AND recover_threshold < 'Infinity'),
    ADD COLUMN IF NOT EXISTS renotify_minutes integer CHECK (renotify_minutes BETWEEN 1 AND 10080),
    ADD COLUMN IF NOT EXISTS resolve_minutes integer CHECK (resolve_minutes BETWEEN 0 AND 10080),
    ADD COLUMN IF NOT EXISTS baseline text CHECK (baseline = 'history'),
    ADD COLUMN IF NOT EXISTS floor double precision CHECK (floor >= 0 AND floor < 'Infinity'),
    ADD COLUMN IF NOT EXISTS description text CHECK (length(description) <= 2000);
COMMENT ON COLUMN observa_internal.detection_rules.metric IS 'Of a rule of the tenant''s own over windows; NULL: an exception to a built-in rule. The other columns are those of observa.detection_rules; NULL: as the built-in rule has it, or the default';
ALTER TABLE observa_internal.detection_rules ADD COLUMN IF NOT EXISTS expression text CHECK (octet_length(expression) BETWEEN 1 AND 2000);
COMMENT ON COLUMN observa_internal.detection_rules.expression IS 'Of a rule of the tenant''s own about each event: an SQL condition, which the library evaluates and Postgres never runs; NULL: another kind of rule';

-- Appended by folds, which are one for each tenant: no ingest waits for it, and none pays for it.
CREATE TABLE IF NOT EXISTS observa_internal.detection_candidates (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    candidate_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('trace', 'conversation')),
    project_id uuid NOT NULL,
    subject text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, candidate_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE observa_internal.detection_candidates IS 'Traces and conversations of which more has come, until the job recheck looks at them as a whole; one may be in it many times';
COMMENT ON COLUMN observa_internal.detection_candidates.candidate_id IS 'UUIDv7: the order in which they were found';
COMMENT ON COLUMN observa_internal.detection_candidates.subject IS 'The id of the trace or conversation';
COMMENT ON COLUMN observa_internal.detection_candidates.since IS 'When the first of what has come began; until: the last';
COMMENT ON CONSTRAINT detection_candidates_pkey ON observa_internal.detection_candidates IS 'A tenant''s candidates in the order of their arrival';
