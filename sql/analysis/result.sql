-- A verdict: $1 job, $2 version of the evaluator, $3 score, $4 label, $5 reasoning, $6 scores, $7 flags, $8 model, $9 USD as text or NULL,
-- $10 input tokens, $11 output tokens, $12 milliseconds.
INSERT INTO observa_internal.analysis_results (tenant_id, result_id, project_id, environment, trace_id, event_id, ts, user_id, evaluator,
       evaluator_version, trigger, score, label, reasoning, scores, flags, model, cost_usd, input_tokens, output_tokens, latency_ms)
SELECT j.tenant_id, j.job_id, j.project_id, j.environment, j.trace_id, j.event_id, j.ts, j.user_id, j.evaluator, $2, j.trigger, $3, $4, $5,
       $6, $7, $8, $9::numeric, $10, $11, $12
  FROM observa_internal.analysis_jobs j
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
