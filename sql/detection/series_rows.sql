-- Rows of the acting tenant's series: $1 resolution, $2 since, $3 before, $4 whether latencies are asked for. In order of time.
SELECT m.series_id, m.bucket, m.events, m.errors + m.timeouts, m.total_tokens, m.cost_usd::double precision,
       CASE WHEN $4 THEN m.latency END, CASE WHEN $4 THEN m.ttft END,
       m.coherence_sum, m.coherence_count, m.toxicity_sum, m.toxicity_count, m.hallucination_risk_sum, m.hallucination_risk_count
  FROM observa_internal.metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.resolution = $1 AND m.bucket >= $2 AND m.bucket < $3
 ORDER BY m.tenant_id, m.resolution, m.bucket
