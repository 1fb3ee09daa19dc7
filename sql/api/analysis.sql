CREATE FUNCTION observa.analyze(trace_id text, evaluators text[] DEFAULT NULL) RETURNS integer
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'analyze_wrapper';
ALTER FUNCTION observa.analyze(text, text[]) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.analyze(text, text[]) IS 'Queues a trace for judges at once, before what signals and samples have queued; how many jobs are new

evaluators NULL: all that are enabled. An evaluator of events looks at each call with an answer (100 at most), one of traces at the
whole, without waiting for the trace to be quiet. What waits already is not queued twice, what finds no room (observa.max_analysis_jobs) not at all, what was judged before is judged again. A trace
that is not there: 0. An evaluator that is not there: 22023. For who may query; the budget of the day holds. observa.analysis_jobs
tells what becomes of it.';

CREATE FUNCTION observa.analysis_reasons(trace_id text) RETURNS TABLE (evaluator text, event_id text, state text, reason text)
    LANGUAGE c STABLE STRICT ROWS 10 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'analysis_reasons_wrapper';
ALTER FUNCTION observa.analysis_reasons(text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.analysis_reasons(text) IS 'Why judges were shown a trace, or were not: a row for each job, and one for each evaluator without one

state is that of the job, or not_queued; reason says what chose the trace and what became of it, or why nothing chose it: no signal, not in the
sample, no answer, nothing retrieved. A trace that is not there has no rows; jobs are forgotten after a day, failed ones after a week. For who
may query.';

CREATE FUNCTION observa.set_analysis(project uuid, sample_rate double precision DEFAULT NULL, budget_usd numeric DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_analysis_wrapper';
ALTER FUNCTION observa.set_analysis(uuid, double precision, numeric) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.set_analysis(uuid, double precision, numeric) IS 'Sets what judges are shown of a project, and what that may cost

sample_rate is the share of its traces, 0 to 1, that are judged without a signal; budget_usd what judges and embeddings may cost in a day
(UTC), 0: nothing is judged; more than observa.judge_budget_usd only a superuser may allow (42501). Both are set: NULL is as the settings observa.judge_sample_rate and observa.judge_budget_usd say. For who
administers the tenant. Out of range: 22023.';

CREATE FUNCTION observa.judge_agreement(since timestamptz DEFAULT pg_catalog.now() - interval '7 days',
    until timestamptz DEFAULT pg_catalog.now(), threshold double precision DEFAULT 0.5)
    RETURNS TABLE (evaluator text, heuristic text, judged bigint, both_found bigint, judge_only bigint, heuristic_only bigint,
                   neither bigint, agreement double precision, kappa double precision)
    LANGUAGE c STABLE STRICT ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'judge_agreement_wrapper';
COMMENT ON FUNCTION observa.judge_agreement(timestamptz, timestamptz, double precision) IS 'How often judges and heuristics say the same of an event

A row for each evaluator that a heuristic has the same aim as. A judge has found something where its score is over the threshold, a
heuristic where its signal was raised, or the coherence score is under 0.5. agreement is the share of verdicts on which both
say the same, kappa the same beyond chance (Cohen): 1 is full agreement, 0 none beyond chance; NULL: one of the two always says the same.
Judges are shown what heuristics found first, so these shares are of what was judged, not of all events.';

CREATE FUNCTION observa_internal.claim_analyses(judgements integer, embeddings integer) RETURNS SETOF text
    LANGUAGE c VOLATILE STRICT ROWS 64 SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'claim_analyses_wrapper';
ALTER FUNCTION observa_internal.claim_analyses(integer, integer) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.claim_analyses(integer, integer) IS 'Takes jobs that are due for a judge, with a lease, each as JSON; for workers, which commit before they ask

For superusers. What became of each is told to observa_internal.record_analysis().';

CREATE FUNCTION observa_internal.record_analysis(report text) RETURNS boolean
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'record_analysis_wrapper';
ALTER FUNCTION observa_internal.record_analysis(text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.record_analysis(text) IS 'What became of a job that was claimed; false: its lease has ended, and only what was paid is recorded; NULL: its row is locked, and it
is to be told again

For superusers.';

CREATE FUNCTION observa_internal.record_endpoints(states jsonb) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'record_endpoints_wrapper';
ALTER FUNCTION observa_internal.record_endpoints(jsonb) OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.record_endpoints(jsonb) IS 'How the endpoints of judges and embeddings stand, for observa.health_detailed()

For superusers.';

CREATE FUNCTION observa_internal.analyses_are_due(judgements boolean, embeddings boolean) RETURNS boolean
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'analyses_are_due_wrapper';
ALTER FUNCTION observa_internal.analyses_are_due(boolean, boolean) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.analyses_are_due(boolean, boolean) IS 'Whether a job of any tenant is due, for observa_internal.claim_analyses() alone';

CREATE FUNCTION observa_internal.lease_analyses(judgements integer, embeddings integer)
    RETURNS TABLE (tenant_id uuid, job_id uuid, lease uuid, attempts integer, project_id uuid, evaluator text, scope text,
                   priority smallint, trace_id text, event_id text, ts timestamptz)
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'lease_analyses_wrapper';
ALTER FUNCTION observa_internal.lease_analyses(integer, integer) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.lease_analyses(integer, integer) IS 'Takes jobs of all tenants that are due, for observa_internal.claim_analyses() alone';

CREATE FUNCTION observa_internal.tenants_with_candidates() RETURNS SETOF uuid
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tenants_with_candidates_wrapper';
ALTER FUNCTION observa_internal.tenants_with_candidates() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenants_with_candidates() IS 'Tenants with something to queue for judges, for maintenance';

CREATE FUNCTION observa_internal.default_evaluators()
    RETURNS TABLE (name text, version integer, scope text, variables text[], template text, response_schema jsonb, triggers text[],
                   signal text, medium_threshold double precision, high_threshold double precision,
                   description text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 6 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'default_evaluators_wrapper';
COMMENT ON FUNCTION observa_internal.default_evaluators() IS 'The built-in evaluators';

CREATE FUNCTION observa_internal.asks_judge(input text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'is_asking_judge_wrapper';
COMMENT ON FUNCTION observa_internal.asks_judge(text) IS 'Whether a prompt is one that a judge was asked with';

CREATE FUNCTION observa_internal.edit_evaluator() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'edit_evaluator_wrapper';
ALTER FUNCTION observa_internal.edit_evaluator() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.edit_evaluator() IS 'Adds, changes or takes away an evaluator of the tenant''s own';

REVOKE ALL ON FUNCTION observa.analyze(text, text[]), observa.analysis_reasons(text), observa.set_analysis(uuid, double precision, numeric),
    observa.judge_agreement(timestamptz, timestamptz, double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.set_analysis(uuid, double precision, numeric) TO observa_admin;
GRANT EXECUTE ON FUNCTION observa.analyze(text, text[]), observa.analysis_reasons(text), observa.judge_agreement(timestamptz, timestamptz, double precision) TO observa_read;
