CREATE OR REPLACE VIEW observa.analysis_jobs WITH (security_invoker = true) AS
SELECT job_id AS id, trace_id, event_id, evaluator, trigger, state, attempts, reason, error, created_at, finished_at,
       scope, occurrences, user_id, answer, CASE WHEN state IN ('queued', 'leased') THEN run_after END AS run_after, ts, environment,
       project_id, tenant_id
  FROM observa_internal.analysis_jobs;
COMMENT ON VIEW observa.analysis_jobs IS 'What judges are asked, and what became of it

What is done or was skipped is kept for a day, what failed for a week.';
COMMENT ON COLUMN observa.analysis_jobs.evaluator IS 'As observa.evaluators names it; embedding: no judge is asked';
COMMENT ON COLUMN observa.analysis_jobs.trigger IS 'The signal that asked for it; sampled, or requested by observa.analyze';
COMMENT ON COLUMN observa.analysis_jobs.state IS 'queued, leased, done, failed or skipped';
COMMENT ON COLUMN observa.analysis_jobs.attempts IS 'Tries so far, four at most; those that an endpoint asked to postpone do not count';
COMMENT ON COLUMN observa.analysis_jobs.reason IS 'Why it was skipped; NULL: it was not';
COMMENT ON COLUMN observa.analysis_jobs.error IS 'Why the last try failed; NULL: it did not';
COMMENT ON COLUMN observa.analysis_jobs.occurrences IS 'Events that asked for it: problems of a kind are one job in an hour, and what was skipped unseen is one row in an hour';
COMMENT ON COLUMN observa.analysis_jobs.answer IS 'What the judge said where it could not be understood; NULL: it could, or said nothing';
COMMENT ON COLUMN observa.analysis_jobs.event_id IS 'NULL: the whole trace';
COMMENT ON COLUMN observa.analysis_jobs.run_after IS 'When it is due; of a leased one when the lease ends. NULL: it is finished';
COMMENT ON COLUMN observa.analysis_jobs.ts IS 'The event''s time';

CREATE OR REPLACE VIEW observa.analysis_results WITH (security_invoker = true) AS
SELECT result_id AS id, trace_id, event_id, evaluator, score, label, reasoning, flags, model, cost_usd, latency_ms, evaluator_version,
       created_at, scores, trigger, input_tokens, output_tokens, ts, user_id, environment, project_id, tenant_id
  FROM observa_internal.analysis_results;
COMMENT ON VIEW observa.analysis_results IS 'Verdicts of judges

Kept as long as events, their reasoning as long as payloads (docs/retention.md). A verdict over its evaluator''s threshold is a signal, too.';
COMMENT ON COLUMN observa.analysis_results.id IS 'That of its job';
COMMENT ON COLUMN observa.analysis_results.event_id IS 'NULL: the whole trace';
COMMENT ON COLUMN observa.analysis_results.score IS '0 to 1; 1: the problem is present';
COMMENT ON COLUMN observa.analysis_results.reasoning IS 'NULL: it has outlived the payloads';
COMMENT ON COLUMN observa.analysis_results.flags IS 'truncated: something was too long to be shown whole; repaired: the judge was asked again for a readable answer';
COMMENT ON COLUMN observa.analysis_results.model IS 'As the endpoint names it';
COMMENT ON COLUMN observa.analysis_results.cost_usd IS 'Of all calls for it, at Observa''s own prices; NULL: the endpoint did not tell its tokens';
COMMENT ON COLUMN observa.analysis_results.latency_ms IS 'Milliseconds from the first request to the last answer';
COMMENT ON COLUMN observa.analysis_results.scores IS 'Further scores that the evaluator''s schema declares';
COMMENT ON COLUMN observa.analysis_results.ts IS 'The event''s time';

CREATE OR REPLACE VIEW observa.analysis_spend WITH (security_invoker = true) AS
SELECT s.day, s.project_id, s.calls, s.cost_usd, s.tenant_id
  FROM observa_internal.analysis_spend s;
COMMENT ON VIEW observa.analysis_spend IS 'What judges and embeddings have cost by project and day, answers that were good for nothing included';
COMMENT ON COLUMN observa.analysis_spend.day IS 'In UTC';

-- The tenant's own, and the built-in ones that it has not changed. A superuser's own tenant is the default one.
CREATE OR REPLACE VIEW observa.evaluators WITH (security_invoker = true) AS
SELECT e.name, e.version, e.enabled, e.scope, e.variables, e.template, e.response_schema, e.model, e.triggers, e.sample_rate, e.signal,
       e.medium_threshold, e.high_threshold, e.description, e.tenant_id, e.changed_at
  FROM observa_internal.evaluators e
UNION ALL
SELECT d.name, d.version, true, d.scope, d.variables, d.template, d.response_schema, NULL::text, d.triggers, NULL::double precision, d.signal,
       d.medium_threshold, d.high_threshold, d.description, NULL::uuid, NULL::timestamptz
  FROM observa_internal.default_evaluators() d
 WHERE NOT EXISTS (SELECT FROM observa_internal.evaluators e
                    WHERE e.name = d.name AND e.tenant_id = observa_internal.own_tenant());
COMMENT ON VIEW observa.evaluators IS 'What judges are asked: prompts, what they are shown, and what follows from their scores

INSERT adds one, UPDATE changes it (a built-in one becomes the tenant''s own), DELETE takes it away (a built-in one comes back). Of a built-in
name an INSERT needs to say only what is to differ. docs/analysis.md says how prompts are written. A row that could not be used is an error (22023).';
COMMENT ON COLUMN observa.evaluators.tenant_id IS 'NULL: built in, as it holds for the own tenant (a superuser''s is default)';
COMMENT ON COLUMN observa.evaluators.version IS 'Goes up with each change; verdicts name it';
COMMENT ON COLUMN observa.evaluators.scope IS 'event: each call with an answer; trace: the whole trace';
COMMENT ON COLUMN observa.evaluators.variables IS 'What the template names, of input, question, answer and context; with context only what retrieved something is judged';
COMMENT ON COLUMN observa.evaluators.template IS 'What the judge is to do, with {{variables}}';
COMMENT ON COLUMN observa.evaluators.response_schema IS 'JSON Schema of its answer, which has score (0 to 1, 1: the problem is present), label and reasoning';
COMMENT ON COLUMN observa.evaluators.model IS 'NULL: as the setting observa.judge_model says';
COMMENT ON COLUMN observa.evaluators.triggers IS 'Signals whose events it looks at';
COMMENT ON COLUMN observa.evaluators.sample_rate IS 'Share of the traces, 0 to 1, that it looks at without a signal; NULL: the project''s';
COMMENT ON COLUMN observa.evaluators.signal IS 'What a score over a threshold raises; NULL: nothing';
COMMENT ON COLUMN observa.evaluators.medium_threshold IS 'A score over it raises a medium signal; NULL: none does';
COMMENT ON COLUMN observa.evaluators.high_threshold IS 'A score over it raises a high signal; NULL: none does';

CREATE OR REPLACE TRIGGER edit_evaluator INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.evaluators
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_evaluator();
