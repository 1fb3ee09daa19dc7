-- For each tenant a job that was judged, one that waits for its batch to be queued, and what both have cost.
INSERT INTO observa_internal.analysis_events (tenant_id, candidate_id, project_id, environment, event_id, ts, evaluators, scopes, triggers, dedup_keys, occurrences)
SELECT p.tenant_id, gen_random_uuid(), p.project_id, 'prod', 'a', now(), '{toxicity}', '{event}', '{sampled}', ARRAY[gen_random_uuid()], '{1}'
  FROM observa_internal.projects p;
INSERT INTO observa_internal.analysis_jobs (tenant_id, job_id, project_id, environment, evaluator, scope, trigger, priority, turn, trace_id, ts,
       state, finished_at)
SELECT p.tenant_id, gen_random_uuid(), p.project_id, 'prod', 'toxicity', 'event', 'sampled', 0, 1, 't', now(), 'done', now()
  FROM observa_internal.projects p;
INSERT INTO observa_internal.analysis_results (tenant_id, result_id, project_id, environment, trace_id, ts, evaluator, evaluator_version, trigger,
       score, label, reasoning, scores, flags, model, latency_ms)
SELECT j.tenant_id, j.job_id, j.project_id, j.environment, j.trace_id, j.ts, j.evaluator, 1, j.trigger, 0.5, 'x', 'x', '{}', '{}', 'x', 1
  FROM observa_internal.analysis_jobs j;
INSERT INTO observa_internal.embeddings (tenant_id, ts, event_id, project_id, environment, user_id, model, route, embedding_model, question_hash,
       vector)
SELECT p.tenant_id, now(), gen_random_uuid()::text, p.project_id, 'prod', 'u', 'x', 'x', 'x', gen_random_uuid(), '{1}' FROM observa_internal.projects p;
INSERT INTO observa_internal.embedding_queries (tenant_id, query_id, project_id, job_id, text)
SELECT p.tenant_id, gen_random_uuid(), p.project_id, gen_random_uuid(), 'x' FROM observa_internal.projects p;
INSERT INTO observa_internal.analysis_spend (tenant_id, project_id, day, calls, cost_usd)
SELECT p.tenant_id, p.project_id, current_date, 1, 0.01 FROM observa_internal.projects p;
