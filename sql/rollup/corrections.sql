-- old_events, new_events: rows before and after an UPDATE. What was counted, and what is counted instead, where that differs. Where the key
-- has changed, each of the two has no other. In no order: it is read as it comes.
SELECT e.removed, (e.event).tenant_id, (e.event).ts, (e.event).project_id, (e.event).environment, (e.event).event_type,
       (e.event).status, (e.event).provider, (e.event).model, (e.event).route, (e.event).tool_name, (e.event).version,
       (e.event).user_id, (e.event).latency_ms, (e.event).ttft_ms, (e.event).coherence_score, (e.event).toxicity_score,
       (e.event).hallucination_risk, (e.event).billable, (e.event).input_tokens, (e.event).output_tokens,
       (e.event).cached_input_tokens, (e.event).cache_write_tokens, (e.event).reasoning_tokens, (e.event).total_tokens,
       (e.event).cost_usd::text, (e.event).trace_id, (e.event).conversation_id, (e.event).session_id, (e.event).metric_tags
  FROM old_events o
  FULL JOIN new_events n ON n.tenant_id = o.tenant_id AND n.ts = o.ts AND n.event_id = o.event_id
 CROSS JOIN LATERAL (VALUES (true, o::observa_internal.events), (false, n::observa_internal.events)) e (removed, event)
 WHERE (o.ts, o.project_id, o.environment, o.name, o.agent_name, o.parent_span_id, o.event_type, o.status,
        o.provider, o.model, o.route, o.tool_name, o.version, o.trace_id, o.conversation_id, o.session_id, o.user_id,
        o.latency_ms, o.ttft_ms, o.coherence_score, o.toxicity_score, o.hallucination_risk, o.billable, o.input_tokens,
        o.output_tokens, o.cached_input_tokens, o.cache_write_tokens, o.reasoning_tokens, o.total_tokens, o.cost_usd, o.metric_tags)
       IS DISTINCT FROM
       (n.ts, n.project_id, n.environment, n.name, n.agent_name, n.parent_span_id, n.event_type, n.status,
        n.provider, n.model, n.route, n.tool_name, n.version, n.trace_id, n.conversation_id, n.session_id, n.user_id,
        n.latency_ms, n.ttft_ms, n.coherence_score, n.toxicity_score, n.hallucination_risk, n.billable, n.input_tokens,
        n.output_tokens, n.cached_input_tokens, n.cache_write_tokens, n.reasoning_tokens, n.total_tokens, n.cost_usd, n.metric_tags)
   AND (e.event).tenant_id IS NOT NULL
