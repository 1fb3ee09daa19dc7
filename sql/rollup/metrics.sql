-- rows: those of metrics, in key order.
INSERT INTO observa_internal.metrics AS m SELECT * FROM rows
    ON CONFLICT (tenant_id, resolution, bucket, series_id) DO UPDATE
   SET events = m.events + excluded.events,
       errors = m.errors + excluded.errors,
       timeouts = m.timeouts + excluded.timeouts,
       billable = m.billable + excluded.billable,
       priced = m.priced + excluded.priced,
       input_tokens = m.input_tokens + excluded.input_tokens,
       output_tokens = m.output_tokens + excluded.output_tokens,
       cached_input_tokens = m.cached_input_tokens + excluded.cached_input_tokens,
       cache_write_tokens = m.cache_write_tokens + excluded.cache_write_tokens,
       reasoning_tokens = m.reasoning_tokens + excluded.reasoning_tokens,
       total_tokens = m.total_tokens + excluded.total_tokens,
       cost_usd = m.cost_usd + excluded.cost_usd,
       coherence_sum = coalesce(m.coherence_sum + excluded.coherence_sum, m.coherence_sum, excluded.coherence_sum),
       coherence_count = coalesce(m.coherence_count + excluded.coherence_count, m.coherence_count, excluded.coherence_count),
       toxicity_sum = coalesce(m.toxicity_sum + excluded.toxicity_sum, m.toxicity_sum, excluded.toxicity_sum),
       toxicity_count = coalesce(m.toxicity_count + excluded.toxicity_count, m.toxicity_count, excluded.toxicity_count),
       hallucination_risk_sum = coalesce(m.hallucination_risk_sum + excluded.hallucination_risk_sum, m.hallucination_risk_sum, excluded.hallucination_risk_sum),
       hallucination_risk_count = coalesce(m.hallucination_risk_count + excluded.hallucination_risk_count, m.hallucination_risk_count, excluded.hallucination_risk_count),
       latency = observa_internal.add_histograms(m.latency::observa.histogram, excluded.latency::observa.histogram)::bytea,
       ttft = observa_internal.add_histograms(m.ttft::observa.histogram, excluded.ttft::observa.histogram)::bytea
