-- $10: 'all', or as what is beside them takes longest, without users ('latencies') or without latencies, too ('sums').
SELECT jsonb_build_object(
    'since', $4, 'until', $5,
    'events', coalesce(s.events, 0), 'errors', coalesce(s.errors, 0), 'timeouts', coalesce(s.timeouts, 0),
    'error_rate', s.failed / nullif(s.events, 0), 'llm_calls', coalesce(s.llm_calls, 0), 'billable_calls', coalesce(s.billable, 0),
    'input_tokens', coalesce(s.input_tokens, 0), 'output_tokens', coalesce(s.output_tokens, 0),
    'cached_input_tokens', coalesce(s.cached_input_tokens, 0), 'cache_write_tokens', coalesce(s.cache_write_tokens, 0),
    'reasoning_tokens', coalesce(s.reasoning_tokens, 0), 'total_tokens', coalesce(s.total_tokens, 0),
    'cost_usd', s.cost_usd, 'unpriced_calls', coalesce(s.billable - s.priced, 0),
    'latency_ms_avg', s.latency[1], 'latency_ms_p50', s.latency[2], 'latency_ms_p90', s.latency[3], 'latency_ms_p95', s.latency[4],
    'latency_ms_p99', s.latency[5], 'latency_ms_max', s.latency[6],
    'ttft_ms_avg', s.ttft[1], 'ttft_ms_p50', s.ttft[2], 'ttft_ms_p95', s.ttft[4], 'ttft_ms_p99', s.ttft[5],
    'users', coalesce(s.users, 0),
    'coherence_avg', s.coherence, 'toxicity_avg', s.toxicity, 'hallucination_risk_avg', s.hallucination_risk)
  FROM (SELECT sum(t.events)::bigint AS events, sum(t.errors)::bigint AS errors, sum(t.timeouts)::bigint AS timeouts,
               sum(t.errors + t.timeouts)::double precision AS failed,
               sum(t.events) FILTER (WHERE t.event_type = 'llm_call')::bigint AS llm_calls, sum(t.billable)::bigint AS billable,
               sum(t.input_tokens)::bigint AS input_tokens, sum(t.output_tokens)::bigint AS output_tokens,
               sum(t.cached_input_tokens)::bigint AS cached_input_tokens, sum(t.cache_write_tokens)::bigint AS cache_write_tokens,
               sum(t.reasoning_tokens)::bigint AS reasoning_tokens, sum(t.total_tokens)::bigint AS total_tokens,
               sum(t.priced)::bigint AS priced, CASE WHEN sum(t.priced) > 0 THEN sum(t.cost_usd) END AS cost_usd,
               observa_internal.latency_summary(t.latency, t.removed_latency) FILTER (WHERE $10 <> 'sums') AS latency,
               observa_internal.latency_summary(t.ttft, t.removed_ttft) FILTER (WHERE $10 <> 'sums') AS ttft,
               observa_internal.count_sketches(t.users) FILTER (WHERE $10 = 'all') AS users,
               sum(t.coherence_sum) / nullif(sum(t.coherence_count), 0)::double precision AS coherence,
               sum(t.toxicity_sum) / nullif(sum(t.toxicity_count), 0)::double precision AS toxicity,
               sum(t.hallucination_risk_sum) / nullif(sum(t.hallucination_risk_count), 0)::double precision AS hallucination_risk
          FROM total t) s
