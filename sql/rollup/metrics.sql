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
       latency = observa_internal.add_histograms(m.latency::observa.histogram, excluded.latency::observa.histogram)::bytea,
       ttft = observa_internal.add_histograms(m.ttft::observa.histogram, excluded.ttft::observa.histogram)::bytea
