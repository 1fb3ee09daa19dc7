-- rows: those of events, as they are translated now. Ids of people and sessions stay: what is kept of them in attributes is
-- scrubbed.
UPDATE observa_internal.events e
   SET event_type = r.event_type, observation_type = r.observation_type, parent_span_id = r.parent_span_id,
       conversation_id = coalesce(e.conversation_id, r.conversation_id), session_id = coalesce(e.session_id, r.session_id),
       user_id = coalesce(e.user_id, r.user_id), agent_name = r.agent_name, version = r.version, route = r.route, name = r.name,
       provider = r.provider, model = r.model, response_model = r.response_model, response_id = r.response_id,
       tool_name = r.tool_name, status = r.status, error_type = r.error_type, ttft_ms = r.ttft_ms,
       input_tokens = r.input_tokens, output_tokens = r.output_tokens, cached_input_tokens = r.cached_input_tokens,
       cache_write_tokens = r.cache_write_tokens, reasoning_tokens = r.reasoning_tokens, total_tokens = r.total_tokens,
       cost_usd = r.cost_usd, reported_cost_usd = r.reported_cost_usd, cost_source = r.cost_source, billable = r.billable,
       coherence_score = coalesce(r.coherence_score, e.coherence_score),
       toxicity_score = coalesce(r.toxicity_score, e.toxicity_score),
       sentiment_score = coalesce(r.sentiment_score, e.sentiment_score),
       hallucination_risk = coalesce(r.hallucination_risk, e.hallucination_risk),
       prompt_category = coalesce(r.prompt_category, e.prompt_category), finish_reason = r.finish_reason, translator_version = r.translator_version
  FROM rows r
 WHERE e.tenant_id = r.tenant_id AND e.ts = r.ts AND e.event_id = r.event_id
RETURNING e.event_id
