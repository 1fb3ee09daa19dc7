-- $1 traces: what is known of them, in whichever of the acting tenant's projects.
SELECT t.trace_id, t.project_id, t.named_by, t.name, t.started_at, t.ended_at, 
       t.reported_latency_ms, t.outcome_at, t.outcome, t.worst, t.models, t.event_count, 
       t.input_tokens, t.output_tokens, t.priced, t.cost_usd::text, t.signal_count, t.user_id, t.session_id, t.conversation_id
  FROM observa_internal.traces t
 WHERE t.tenant_id = observa.current_tenant() AND t.trace_id = ANY ($1)
