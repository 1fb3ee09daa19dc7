-- $1 traces of the acting tenant of which events were taken out, $2 and $3 when the first and the last of what has changed began: what
-- they add up to, and in the same snapshot the deltas that are not folded yet, which are part of that.
SELECT s.trace_id, s.project_id, s.named_by, s.name, s.started_at, s.ended_at, 
       s.reported_latency_ms, s.outcome_at, s.outcome, s.worst, s.models, s.event_count, 
       s.input_tokens, s.output_tokens, s.priced, s.cost_usd::text, s.signal_count, s.user_id, s.session_id, s.conversation_id, NULL::bytea
  FROM observa_internal.trace_summaries(observa.current_tenant(), $1, $2, $3) s
UNION ALL
SELECT NULL::text, NULL::uuid, NULL, NULL, NULL::timestamptz, NULL::timestamptz, NULL, NULL::timestamptz, NULL, NULL, NULL::text[], NULL::bigint,
       NULL::bigint, NULL::bigint, NULL::bigint, NULL, NULL::bigint, NULL, NULL, NULL, d.entries
  FROM observa_internal.rollup_deltas d
 WHERE d.tenant_id = observa.current_tenant()
