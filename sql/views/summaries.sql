-- Over the totals, so that they are never behind and read few rows.
CREATE OR REPLACE VIEW observa.metrics_snapshots WITH (security_invoker = true) AS
WITH periods AS (
    SELECT 'hourly' AS snapshot_type, t.bucket AS period_start, interval '1 hour' AS period, t.*
      FROM observa.metrics_total_hour t WHERE t.event_type = 'llm_call'
    UNION ALL
    SELECT 'daily', t.bucket, interval '24 hours', t.*
      FROM observa.metrics_total_day t WHERE t.event_type = 'llm_call'
    UNION ALL
    SELECT 'weekly', pg_catalog.date_trunc('week', t.bucket, 'UTC'), interval '168 hours', t.*
      FROM observa.metrics_total_day t WHERE t.event_type = 'llm_call'
    UNION ALL
    SELECT 'monthly', pg_catalog.date_trunc('month', t.bucket, 'UTC'), interval '1 month', t.*
      FROM observa.metrics_total_day t WHERE t.event_type = 'llm_call'
), sums AS (
    SELECT p.snapshot_type, p.period_start, (p.period_start AT TIME ZONE 'UTC' + p.period) AT TIME ZONE 'UTC' AS period_end,
           p.tenant_id, p.project_id, p.environment,
           pg_catalog.sum(p.events)::bigint AS total_requests,
           pg_catalog.sum(p.events - p.errors - p.timeouts)::bigint AS successful_requests,
           pg_catalog.sum(p.errors + p.timeouts)::bigint AS failed_requests,
           pg_catalog.sum(p.total_tokens)::bigint AS total_tokens,
           pg_catalog.sum(p.cost_usd) AS total_cost_usd,
           observa.merge(p.latency) AS latency,
           pg_catalog.sum(p.coherence_sum) / nullif(pg_catalog.sum(p.coherence_count), 0) AS avg_coherence_score,
           pg_catalog.sum(p.toxicity_sum) / nullif(pg_catalog.sum(p.toxicity_count), 0) AS avg_toxicity_score,
           pg_catalog.sum(p.hallucination_risk_sum) / nullif(pg_catalog.sum(p.hallucination_risk_count), 0) AS avg_hallucination_risk
      FROM periods p
     GROUP BY p.snapshot_type, p.period_start, p.period, p.tenant_id, p.project_id, p.environment
)
SELECT s.snapshot_type, s.period_start, s.period_end, s.total_requests, s.successful_requests, s.failed_requests,
       observa.histogram_mean(s.latency) AS avg_latency_ms, observa.quantile(s.latency, 0.5) AS p50_latency_ms,
       observa.quantile(s.latency, 0.95) AS p95_latency_ms, observa.quantile(s.latency, 0.99) AS p99_latency_ms,
       s.total_tokens, s.total_cost_usd,
       (SELECT pg_catalog.jsonb_object_agg(coalesce(m.model, 'unknown'), m.stats)
          FROM (SELECT d.model, pg_catalog.jsonb_build_object('requests', pg_catalog.sum(d.events), 'tokens', pg_catalog.sum(d.total_tokens),
                       'cost_usd', pg_catalog.sum(d.cost_usd)) AS stats
                  FROM observa.metrics_hour d
                 WHERE d.tenant_id = s.tenant_id AND d.project_id = s.project_id AND d.environment = s.environment
                   AND d.event_type = 'llm_call' AND d.bucket >= s.period_start AND d.bucket < s.period_end
                 GROUP BY d.model) m) AS model_stats,
       s.avg_coherence_score, s.avg_toxicity_score, s.avg_hallucination_risk,
       (SELECT pg_catalog.count(*) FROM observa_internal.alerts a
         WHERE a.tenant_id = s.tenant_id AND a.project_id = s.project_id AND a.environment = s.environment
           AND a.created_at >= s.period_start AND a.created_at < s.period_end) AS alerts_triggered,
       (SELECT pg_catalog.count(*) FROM observa_internal.alerts a
         WHERE a.tenant_id = s.tenant_id AND a.project_id = s.project_id AND a.environment = s.environment AND a.severity = 'critical'
           AND a.created_at >= s.period_start AND a.created_at < s.period_end) AS critical_alerts,
       s.tenant_id, s.project_id, s.environment
  FROM sums s;
COMMENT ON VIEW observa.metrics_snapshots IS 'Summaries of the LLM calls of an hour, a day, a week or a month, by project and environment

A committed event is in the next query''s numbers. Periods are those of UTC, weeks begin on Monday. Filter by snapshot_type and
period_start.';
COMMENT ON COLUMN observa.metrics_snapshots.snapshot_type IS 'hourly, daily, weekly or monthly';
COMMENT ON COLUMN observa.metrics_snapshots.period_end IS 'When the next one begins';
COMMENT ON COLUMN observa.metrics_snapshots.avg_latency_ms IS 'Within 0.4 %; NULL: no latency is known; so the percentiles';
COMMENT ON COLUMN observa.metrics_snapshots.total_cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.metrics_snapshots.model_stats IS 'Requests, tokens and cost_usd by model';
COMMENT ON COLUMN observa.metrics_snapshots.avg_coherence_score IS 'NULL: nothing was scored; so the other two';

CREATE OR REPLACE VIEW observa.cost_tracking WITH (security_invoker = true) AS
SELECT pg_catalog.date_trunc('month', m.bucket AT TIME ZONE 'UTC')::date AS billing_period, p.name AS project, m.model,
       pg_catalog.sum(m.input_tokens)::bigint AS tokens_in, pg_catalog.sum(m.output_tokens)::bigint AS tokens_out,
       pg_catalog.sum(m.total_tokens)::bigint AS tokens_total, pg_catalog.sum(m.cost_usd) AS cost_usd,
       pg_catalog.sum(m.billable)::bigint AS requests, m.provider, m.environment, m.project_id, m.tenant_id
  FROM observa.metrics_day m
  LEFT JOIN observa_internal.projects p ON p.tenant_id = m.tenant_id AND p.project_id = m.project_id
 WHERE m.billable <> 0
 GROUP BY 1, p.name, m.model, m.provider, m.environment, m.project_id, m.tenant_id;
COMMENT ON VIEW observa.cost_tracking IS 'What each model cost each project in a calendar month (UTC)

A committed event is in the next query''s numbers; what a provider does not bill is not.';
COMMENT ON COLUMN observa.cost_tracking.billing_period IS 'The month''s first day';
COMMENT ON COLUMN observa.cost_tracking.cost_usd IS 'NULL: the model has no price';
COMMENT ON COLUMN observa.cost_tracking.requests IS 'Calls that the provider bills';
