-- $1 traces and $2 their projects, of the acting tenant: what is known of them.
SELECT t.trace_id, t.project_id, t.named_by, t.name, t.started_at, t.ended_at, 
       t.reported_latency_ms, t.outcome_at, t.outcome, t.worst, t.models, t.event_count, 
       t.input_tokens, t.output_tokens, t.priced, t.cost_usd::text, t.signal_count, t.user_id, t.session_id, t.conversation_id
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::uuid[])) AS k (trace_id, project_id)
  JOIN observa_internal.traces t
    ON t.tenant_id = observa.current_tenant() AND t.trace_id = k.trace_id AND t.project_id = k.project_id
