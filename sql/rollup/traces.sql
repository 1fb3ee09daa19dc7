-- rows: those of traces, in key order.
INSERT INTO observa_internal.traces AS t SELECT * FROM rows
    ON CONFLICT (tenant_id, trace_id, project_id) DO UPDATE
   SET named_by = excluded.named_by, name = excluded.name, started_at = excluded.started_at, ended_at = excluded.ended_at,
       reported_latency_ms = excluded.reported_latency_ms, outcome_at = excluded.outcome_at, outcome = excluded.outcome,
       worst = excluded.worst, models = excluded.models, event_count = excluded.event_count, input_tokens = excluded.input_tokens,
       output_tokens = excluded.output_tokens, priced = excluded.priced, cost_usd = excluded.cost_usd,
       signal_count = excluded.signal_count, user_id = excluded.user_id, session_id = excluded.session_id,
       conversation_id = excluded.conversation_id
