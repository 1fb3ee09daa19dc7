-- As series_rows.sql, of a project, environment and type of event; $5 whether end users are asked for.
SELECT m.project_id, m.environment, m.event_type, m.bucket, m.events, m.errors + m.timeouts, m.total_tokens, m.cost_usd::double precision,
       CASE WHEN $4 THEN m.latency END, CASE WHEN $4 THEN m.ttft END,
       m.coherence_sum, m.coherence_count, m.toxicity_sum, m.toxicity_count, m.hallucination_risk_sum, m.hallucination_risk_count,
       CASE WHEN $5 THEN m.users END
  FROM observa_internal.metric_totals m
 WHERE m.tenant_id = observa.current_tenant() AND m.resolution = $1 AND m.bucket >= $2 AND m.bucket < $3
 ORDER BY m.tenant_id, m.resolution, m.bucket
