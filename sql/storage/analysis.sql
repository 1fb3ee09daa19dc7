-- What judges are shown, and what they say. A batch appends candidates, so that no two clients wait for each other; maintenance queues
-- them, workers take jobs with a lease, and write what came of them in another transaction than the one that took them.
ALTER TABLE observa_internal.projects
    ADD COLUMN IF NOT EXISTS judge_sample_rate double precision CHECK (judge_sample_rate BETWEEN 0 AND 1),
    ADD COLUMN IF NOT EXISTS judge_budget_usd numeric CHECK (judge_budget_usd >= 0 AND judge_budget_usd < 'Infinity');

CREATE TABLE IF NOT EXISTS observa_internal.evaluators (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    name text NOT NULL,
    version integer NOT NULL,
    enabled boolean NOT NULL,
    scope text NOT NULL CHECK (scope IN ('event', 'trace')),
    variables text[] NOT NULL,
    template text NOT NULL,
    response_schema jsonb NOT NULL,
    model text,
    triggers text[] NOT NULL,
    sample_rate double precision CHECK (sample_rate BETWEEN 0 AND 1),
    signal text,
    medium_threshold double precision CHECK (medium_threshold BETWEEN 0 AND 1),
    high_threshold double precision CHECK (high_threshold BETWEEN 0 AND 1),
    description text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, name)
);
COMMENT ON TABLE observa_internal.evaluators IS 'Evaluators that a tenant has made, or made otherwise than the built-in ones';
COMMENT ON COLUMN observa_internal.evaluators.version IS 'Goes up with each change';
COMMENT ON COLUMN observa_internal.evaluators.model IS 'NULL: as the setting observa.judge_model says';
COMMENT ON COLUMN observa_internal.evaluators.sample_rate IS 'NULL: the project''s';
COMMENT ON COLUMN observa_internal.evaluators.signal IS 'What a verdict over a threshold raises; NULL: nothing';
COMMENT ON CONSTRAINT evaluators_pkey ON observa_internal.evaluators IS 'A tenant''s evaluator';
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.evaluators
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();

-- Of an older library, with a row for each evaluator: what waited there was a few seconds' sample.
DROP TABLE IF EXISTS observa_internal.analysis_candidates;
CREATE TABLE IF NOT EXISTS observa_internal.analysis_events (
    tenant_id uuid NOT NULL,
    candidate_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    trace_id text,
    event_id text NOT NULL,
    ts timestamptz NOT NULL,
    user_id text,
    evaluators text[] NOT NULL,
    scopes text[] NOT NULL,
    triggers text[] NOT NULL,
    dedup_keys uuid[] NOT NULL,
    occurrences bigint[] NOT NULL,
    PRIMARY KEY (tenant_id, candidate_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
COMMENT ON TABLE observa_internal.analysis_events IS 'Events that ingest found worth judging, until maintenance queues what is asked of them; arrays have an element for each ask';
COMMENT ON COLUMN observa_internal.analysis_events.dedup_keys IS 'Whatever has the same is one job';
COMMENT ON COLUMN observa_internal.analysis_events.occurrences IS 'Events of the batch that asked for it';
COMMENT ON CONSTRAINT analysis_events_pkey ON observa_internal.analysis_events IS 'A tenant''s candidates in the order of their arrival';

CREATE TABLE IF NOT EXISTS observa_internal.analysis_jobs (
    tenant_id uuid NOT NULL,
    job_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    evaluator text NOT NULL,
    scope text NOT NULL CHECK (scope IN ('event', 'trace')),
    trigger text NOT NULL,
    priority smallint NOT NULL,
    turn bigint NOT NULL,
    dedup_key uuid,
    trace_id text COLLATE "C",
    event_id text COLLATE "C",
    ts timestamptz,
    user_id text,
    occurrences bigint NOT NULL DEFAULT 1,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'done', 'failed', 'skipped')),
    reason text,
    error text,
    answer text COMPRESSION lz4,
    attempts integer NOT NULL DEFAULT 0,
    run_after timestamptz NOT NULL DEFAULT pg_catalog.now(),
    lease uuid,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, job_id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE observa_internal.analysis_jobs
    ADD COLUMN IF NOT EXISTS asked_version integer,
    ADD COLUMN IF NOT EXISTS asked_model text;
COMMENT ON TABLE observa_internal.analysis_jobs IS 'What is to be judged, and what became of it';
COMMENT ON COLUMN observa_internal.analysis_jobs.priority IS '2: somebody asked for it, 1: a signal, 0: sampled';
COMMENT ON COLUMN observa_internal.analysis_jobs.turn IS 'How many of the same user were queued within the hour before it: whoever has had fewer comes first';
COMMENT ON COLUMN observa_internal.analysis_jobs.dedup_key IS 'NULL: the same may be queued again';
COMMENT ON COLUMN observa_internal.analysis_jobs.answer IS 'What a judge said that could not be understood';
COMMENT ON COLUMN observa_internal.analysis_jobs.run_after IS 'When it is due; while it is leased, when the lease ends';
COMMENT ON COLUMN observa_internal.analysis_jobs.asked_version IS 'The evaluator''s when a judge was asked last; NULL: none was, or it is no evaluator''s';
COMMENT ON COLUMN observa_internal.analysis_jobs.asked_model IS 'What was asked last; NULL: nothing was';
COMMENT ON COLUMN observa_internal.analysis_jobs.lease IS 'Of who judges it: what another one says is not taken';
COMMENT ON CONSTRAINT analysis_jobs_pkey ON observa_internal.analysis_jobs IS 'The job that is recorded';
CREATE UNIQUE INDEX IF NOT EXISTS analysis_jobs_once ON observa_internal.analysis_jobs (tenant_id, dedup_key) WHERE dedup_key IS NOT NULL;
COMMENT ON INDEX observa_internal.analysis_jobs_once IS 'Nothing is queued twice';
CREATE INDEX IF NOT EXISTS analysis_jobs_due ON observa_internal.analysis_jobs (priority DESC, turn, created_at)
    WHERE state IN ('queued', 'leased');
COMMENT ON INDEX observa_internal.analysis_jobs_due IS 'What is to be judged next, of all tenants';
CREATE INDEX IF NOT EXISTS analysis_jobs_run_after ON observa_internal.analysis_jobs (run_after) WHERE state IN ('queued', 'leased');
COMMENT ON INDEX observa_internal.analysis_jobs_run_after IS 'Whether anything is due, however much waits for its time';
CREATE INDEX IF NOT EXISTS analysis_jobs_finished ON observa_internal.analysis_jobs (tenant_id, finished_at)
    WHERE finished_at IS NOT NULL;
COMMENT ON INDEX observa_internal.analysis_jobs_finished IS 'What has been kept for long enough';
CREATE INDEX IF NOT EXISTS analysis_jobs_created ON observa_internal.analysis_jobs (tenant_id, created_at);
COMMENT ON INDEX observa_internal.analysis_jobs_created IS 'The newest jobs, and those of a user within an hour';
CREATE INDEX IF NOT EXISTS analysis_jobs_trace ON observa_internal.analysis_jobs (tenant_id, trace_id) WHERE trace_id IS NOT NULL;
COMMENT ON INDEX observa_internal.analysis_jobs_trace IS 'Why a trace was judged, or was not';

CREATE TABLE IF NOT EXISTS observa_internal.analysis_results (
    tenant_id uuid NOT NULL,
    result_id uuid NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    trace_id text COLLATE "C",
    event_id text COLLATE "C",
    ts timestamptz NOT NULL,
    user_id text,
    evaluator text NOT NULL,
    evaluator_version integer NOT NULL,
    trigger text NOT NULL,
    score double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    label text NOT NULL,
    reasoning text COMPRESSION lz4,
    scores jsonb NOT NULL,
    flags text[] NOT NULL,
    model text NOT NULL,
    cost_usd numeric,
    input_tokens bigint,
    output_tokens bigint,
    latency_ms double precision NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, result_id)
);
COMMENT ON TABLE observa_internal.analysis_results IS 'Verdicts of judges';
COMMENT ON COLUMN observa_internal.analysis_results.result_id IS 'The job''s';
COMMENT ON COLUMN observa_internal.analysis_results.reasoning IS 'NULL: it has outlived the payloads';
COMMENT ON CONSTRAINT analysis_results_pkey ON observa_internal.analysis_results IS 'One verdict for a job';
CREATE INDEX IF NOT EXISTS analysis_results_created ON observa_internal.analysis_results (tenant_id, created_at);
COMMENT ON INDEX observa_internal.analysis_results_created IS 'The newest verdicts, and those that are kept no longer';
CREATE INDEX IF NOT EXISTS analysis_results_trace ON observa_internal.analysis_results (tenant_id, trace_id) WHERE trace_id IS NOT NULL;
COMMENT ON INDEX observa_internal.analysis_results_trace IS 'Verdicts of a trace';

CREATE TABLE IF NOT EXISTS observa_internal.analysis_spend (
    tenant_id uuid NOT NULL,
    project_id uuid NOT NULL,
    day date NOT NULL,
    calls bigint NOT NULL,
    cost_usd numeric NOT NULL,
    PRIMARY KEY (tenant_id, project_id, day)
) WITH (fillfactor = 50);
COMMENT ON TABLE observa_internal.analysis_spend IS 'What judging a project''s events has cost on a day (UTC), failed answers included';
COMMENT ON CONSTRAINT analysis_spend_pkey ON observa_internal.analysis_spend IS 'A project''s budget of a day';

CREATE TABLE IF NOT EXISTS observa_internal.analysis_endpoints (
    kind text PRIMARY KEY CHECK (kind IN ('judge', 'embedding')),
    host text NOT NULL,
    state text NOT NULL,
    failures integer NOT NULL,
    retry_at timestamptz,
    in_flight integer NOT NULL,
    last_error text,
    told_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE observa_internal.analysis_endpoints IS 'How the endpoints of judges stand, as a worker saw it last';

DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['evaluators', 'analysis_events', 'analysis_jobs', 'analysis_results', 'analysis_spend'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS acting_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY acting_tenant ON observa_internal.%I TO observa_owner '
            'USING (tenant_id = observa.current_tenant()) WITH CHECK (tenant_id = observa.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['evaluators', 'analysis_jobs', 'analysis_results', 'analysis_spend'] LOOP
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS readable_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY readable_tenant ON observa_internal.%I FOR SELECT TO observa_read '
            'USING (tenant_id = observa.readable_tenant())', name);
        EXECUTE pg_catalog.format('GRANT SELECT ON observa_internal.%I TO observa_read', name);
    END LOOP;
END
$policies$;
DROP POLICY IF EXISTS administered_tenant ON observa_internal.evaluators;
CREATE POLICY administered_tenant ON observa_internal.evaluators FOR SELECT TO observa_admin
    USING (tenant_id = observa.administered_tenant());
GRANT SELECT ON observa_internal.evaluators TO observa_admin;
-- Nobody's rows: closed but to who keeps it, and who asks how all is.
ALTER TABLE observa_internal.analysis_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.analysis_endpoints FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS everybodys ON observa_internal.analysis_endpoints;
CREATE POLICY everybodys ON observa_internal.analysis_endpoints FOR SELECT TO observa_owner, observa_read, observa_admin USING (true);
DROP POLICY IF EXISTS superusers_session ON observa_internal.analysis_endpoints;
CREATE POLICY superusers_session ON observa_internal.analysis_endpoints TO observa_owner
    USING (observa_internal.session_is_superuser()) WITH CHECK (observa_internal.session_is_superuser());
GRANT SELECT ON observa_internal.analysis_endpoints TO observa_read, observa_admin;
-- Whoever takes jobs does it for all tenants.
GRANT SELECT ON observa_internal.evaluators, observa_internal.analysis_events, observa_internal.analysis_spend TO observa_system;
GRANT SELECT, UPDATE ON observa_internal.analysis_jobs TO observa_system;
