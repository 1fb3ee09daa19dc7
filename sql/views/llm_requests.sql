-- LLM calls under the column names that ObservAI's table had, open for INSERT.
CREATE OR REPLACE VIEW observa.llm_requests WITH (security_invoker = true) AS
SELECT r.event_id AS id, r.user_id, r.model, r.input AS prompt, r.output AS response,
       r.prompt_category, r.latency_ms, r.input_tokens AS tokens_in,
       r.output_tokens AS tokens_out, r.total_tokens AS tokens_total, r.cost_usd,
       r.coherence_score, r.toxicity_score, r.hallucination_risk, r.sentiment_score,
       observa_internal.number(r.attributes ->> 'temperature') AS temperature,
       observa_internal.whole_number(r.attributes ->> 'max_tokens') AS max_tokens,
       observa_internal.number(r.attributes ->> 'top_p') AS top_p,
       r.status = 'ok' AS success, r.error_message, r.error_type AS error_code,
       observa_internal.whole_number(r.attributes ->> 'retry_count') AS retry_count,
       r.event_id AS request_id, r.session_id, r.trace_id, r.span_id, r.attributes -> 'metadata' AS metadata,
       r.ts AS created_at
  FROM observa.events r
 WHERE r.event_type = 'llm_call';
COMMENT ON VIEW observa.llm_requests IS 'LLM calls, by ObservAI''s column names

INSERT goes the way of observa.ingest: scrubbed, priced and checked. An event''s id is request_id, else id, else made of its
content.';
COMMENT ON COLUMN observa.llm_requests.temperature IS 'NULL: not given, or no number';

CREATE OR REPLACE TRIGGER insert_llm_request INSTEAD OF INSERT ON observa.llm_requests
    FOR EACH ROW EXECUTE FUNCTION observa_internal.insert_llm_request();
