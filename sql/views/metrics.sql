-- The folded rows with what is not folded yet, once for each resolution. tail is small, and read once.
DO $metrics$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['minute', 'hour', 'day', 'week'] LOOP
        EXECUTE pg_catalog.format($view$
CREATE OR REPLACE VIEW observa.metrics_%1$s WITH (security_invoker = true) AS
WITH tail AS MATERIALIZED (SELECT * FROM observa_internal.unfolded_metrics('%1$s'))
SELECT m.bucket, m.tenant_id, s.project_id, s.environment, s.event_type, s.provider, s.model, s.route, s.tool_name, s.version, s.status,
       m.events + coalesce(t.events, 0) AS events,
       m.errors + coalesce(t.errors, 0) AS errors,
       m.timeouts + coalesce(t.timeouts, 0) AS timeouts,
       m.billable + coalesce(t.billable, 0) AS billable,
       m.input_tokens + coalesce(t.input_tokens, 0) AS input_tokens,
       m.output_tokens + coalesce(t.output_tokens, 0) AS output_tokens,
       m.cached_input_tokens + coalesce(t.cached_input_tokens, 0) AS cached_input_tokens,
       m.cache_write_tokens + coalesce(t.cache_write_tokens, 0) AS cache_write_tokens,
       m.reasoning_tokens + coalesce(t.reasoning_tokens, 0) AS reasoning_tokens,
       CASE WHEN m.priced + coalesce(t.priced, 0) > 0 THEN m.cost_usd + coalesce(t.cost_usd, 0) END AS cost_usd,
       CASE WHEN t.tenant_id IS NULL THEN m.latency::observa.histogram ELSE observa_internal.subtract_histograms(
           observa_internal.add_histograms(m.latency::observa.histogram, t.latency::observa.histogram), t.removed_latency::observa.histogram)
       END AS latency,
       CASE WHEN t.tenant_id IS NULL THEN m.ttft::observa.histogram ELSE observa_internal.subtract_histograms(
           observa_internal.add_histograms(m.ttft::observa.histogram, t.ttft::observa.histogram), t.removed_ttft::observa.histogram)
       END AS ttft,
       m.total_tokens + coalesce(t.total_tokens, 0) AS total_tokens,
       coalesce(m.coherence_sum, 0) + coalesce(t.score_sums[1], 0) AS coherence_sum,
       coalesce(m.coherence_count, 0) + coalesce(t.score_counts[1], 0) AS coherence_count,
       coalesce(m.toxicity_sum, 0) + coalesce(t.score_sums[2], 0) AS toxicity_sum,
       coalesce(m.toxicity_count, 0) + coalesce(t.score_counts[2], 0) AS toxicity_count,
       coalesce(m.hallucination_risk_sum, 0) + coalesce(t.score_sums[3], 0) AS hallucination_risk_sum,
       coalesce(m.hallucination_risk_count, 0) + coalesce(t.score_counts[3], 0) AS hallucination_risk_count,
       m.billable - m.priced + coalesce(t.billable - t.priced, 0) AS unpriced
  FROM observa_internal.metrics m
  JOIN observa_internal.metric_series s ON s.tenant_id = m.tenant_id AND s.series_id = m.series_id
  LEFT JOIN tail t ON t.tenant_id = m.tenant_id AND t.bucket = m.bucket AND t.series_id = m.series_id
 WHERE m.resolution = '%1$s' AND m.events + coalesce(t.events, 0) <> 0
UNION ALL
SELECT t.bucket, t.tenant_id, t.project_id, t.environment, t.event_type, t.provider, t.model, t.route, t.tool_name, t.version, t.status,
       t.events, t.errors, t.timeouts, t.billable, t.input_tokens, t.output_tokens, t.cached_input_tokens, t.cache_write_tokens,
       t.reasoning_tokens, CASE WHEN t.priced > 0 THEN t.cost_usd END,
       observa_internal.subtract_histograms(t.latency::observa.histogram, t.removed_latency::observa.histogram),
       observa_internal.subtract_histograms(t.ttft::observa.histogram, t.removed_ttft::observa.histogram), t.total_tokens, t.score_sums[1],
       t.score_counts[1], t.score_sums[2], t.score_counts[2], t.score_sums[3], t.score_counts[3], t.billable - t.priced
  FROM tail t
 WHERE t.events <> 0
   AND NOT EXISTS (SELECT FROM observa_internal.metrics m
                    WHERE m.tenant_id = t.tenant_id AND m.resolution = '%1$s' AND m.bucket = t.bucket AND m.series_id = t.series_id)
$view$, name);
        EXECUTE pg_catalog.format($view$
CREATE OR REPLACE VIEW observa.metrics_total_%1$s WITH (security_invoker = true) AS
WITH tail AS MATERIALIZED (SELECT * FROM observa_internal.unfolded_totals('%1$s'))
SELECT m.bucket, m.tenant_id, m.project_id, m.environment, m.event_type,
       m.events + coalesce(t.events, 0) AS events,
       m.errors + coalesce(t.errors, 0) AS errors,
       m.timeouts + coalesce(t.timeouts, 0) AS timeouts,
       m.billable + coalesce(t.billable, 0) AS billable,
       m.input_tokens + coalesce(t.input_tokens, 0) AS input_tokens,
       m.output_tokens + coalesce(t.output_tokens, 0) AS output_tokens,
       m.cached_input_tokens + coalesce(t.cached_input_tokens, 0) AS cached_input_tokens,
       m.cache_write_tokens + coalesce(t.cache_write_tokens, 0) AS cache_write_tokens,
       m.reasoning_tokens + coalesce(t.reasoning_tokens, 0) AS reasoning_tokens,
       m.total_tokens + coalesce(t.total_tokens, 0) AS total_tokens,
       CASE WHEN m.priced + coalesce(t.priced, 0) > 0 THEN m.cost_usd + coalesce(t.cost_usd, 0) END AS cost_usd,
       m.coherence_sum + coalesce(t.coherence_sum, 0) AS coherence_sum,
       m.coherence_count + coalesce(t.coherence_count, 0) AS coherence_count,
       m.toxicity_sum + coalesce(t.toxicity_sum, 0) AS toxicity_sum,
       m.toxicity_count + coalesce(t.toxicity_count, 0) AS toxicity_count,
       m.hallucination_risk_sum + coalesce(t.hallucination_risk_sum, 0) AS hallucination_risk_sum,
       m.hallucination_risk_count + coalesce(t.hallucination_risk_count, 0) AS hallucination_risk_count,
       CASE WHEN t.tenant_id IS NULL THEN m.latency::observa.histogram ELSE observa_internal.subtract_histograms(
           observa_internal.add_histograms(m.latency::observa.histogram, t.latency::observa.histogram), t.removed_latency::observa.histogram)
       END AS latency,
       CASE WHEN t.tenant_id IS NULL THEN m.ttft::observa.histogram ELSE observa_internal.subtract_histograms(
           observa_internal.add_histograms(m.ttft::observa.histogram, t.ttft::observa.histogram), t.removed_ttft::observa.histogram)
       END AS ttft,
       CASE WHEN t.tenant_id IS NULL THEN m.users::observa.distinct_values
            ELSE observa_internal.add_distinct(m.users::observa.distinct_values, t.users::observa.distinct_values) END AS users,
       m.billable - m.priced + coalesce(t.billable - t.priced, 0) AS unpriced
  FROM observa_internal.metric_totals m
  LEFT JOIN tail t ON t.tenant_id = m.tenant_id AND t.bucket = m.bucket AND t.project_id = m.project_id
                  AND t.environment = m.environment AND t.event_type = m.event_type
 WHERE m.resolution = '%1$s' AND m.events + coalesce(t.events, 0) <> 0
UNION ALL
SELECT t.bucket, t.tenant_id, t.project_id, t.environment, t.event_type, t.events, t.errors, t.timeouts, t.billable, t.input_tokens,
       t.output_tokens, t.cached_input_tokens, t.cache_write_tokens, t.reasoning_tokens, t.total_tokens,
       CASE WHEN t.priced > 0 THEN t.cost_usd END, t.coherence_sum, t.coherence_count, t.toxicity_sum, t.toxicity_count,
       t.hallucination_risk_sum, t.hallucination_risk_count,
       observa_internal.subtract_histograms(t.latency::observa.histogram, t.removed_latency::observa.histogram),
       observa_internal.subtract_histograms(t.ttft::observa.histogram, t.removed_ttft::observa.histogram),
       t.users::observa.distinct_values, t.billable - t.priced
  FROM tail t
 WHERE t.events <> 0
   AND NOT EXISTS (SELECT FROM observa_internal.metric_totals m
                    WHERE m.tenant_id = t.tenant_id AND m.resolution = '%1$s' AND m.bucket = t.bucket AND m.project_id = t.project_id
                      AND m.environment = t.environment AND m.event_type = t.event_type)
$view$, name);
        EXECUTE pg_catalog.format($comment$
COMMENT ON VIEW observa.metrics_%1$s IS 'Events by the %1$s: how many, what they used, what they cost and how long they took

A row for each bucket and combination of names. A committed event is in the next query''s numbers. Tokens and money are those of
billable events alone. Histograms merge: observa.quantile(observa.merge(latency), 0.95) over any rows. Sums outlive the events
(docs/metrics.md).';
COMMENT ON COLUMN observa.metrics_%1$s.bucket IS 'When the %1$s begins; hours, days and weeks (from Monday) are those of UTC';
COMMENT ON COLUMN observa.metrics_%1$s.model IS 'other: beyond observa.max_series combinations of names; so in provider, route, tool_name and version';
COMMENT ON COLUMN observa.metrics_%1$s.billable IS 'Calls that a provider bills';
COMMENT ON COLUMN observa.metrics_%1$s.cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.metrics_%1$s.unpriced IS 'Billable calls whose cost is not known: cost_usd leaves them out';
COMMENT ON COLUMN observa.metrics_%1$s.latency IS 'Milliseconds; NULL: none is known';
COMMENT ON COLUMN observa.metrics_%1$s.ttft IS 'Milliseconds to the first token; NULL: none is known';
COMMENT ON COLUMN observa.metrics_%1$s.coherence_sum IS 'Over coherence_count it is their mean';
COMMENT ON COLUMN observa.metrics_%1$s.toxicity_sum IS 'Over toxicity_count it is their mean';
COMMENT ON COLUMN observa.metrics_%1$s.hallucination_risk_sum IS 'Over hallucination_risk_count it is their mean';
COMMENT ON VIEW observa.metrics_total_%1$s IS 'Events by the %1$s and type alone: few rows, for overviews

As metrics_%1$s, with a sketch of end users.';
COMMENT ON COLUMN observa.metrics_total_%1$s.bucket IS 'When the %1$s begins; hours, days and weeks (from Monday) are those of UTC';
COMMENT ON COLUMN observa.metrics_total_%1$s.cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.metrics_total_%1$s.unpriced IS 'Billable calls whose cost is not known: cost_usd leaves them out';
COMMENT ON COLUMN observa.metrics_total_%1$s.latency IS 'Milliseconds; NULL: none is known';
COMMENT ON COLUMN observa.metrics_total_%1$s.ttft IS 'Milliseconds to the first token; NULL: none is known';
COMMENT ON COLUMN observa.metrics_total_%1$s.users IS 'End users, as a sketch: observa.distinct_count(observa.merge(users)) over any rows; NULL: none is known';
COMMENT ON COLUMN observa.metrics_total_%1$s.coherence_sum IS 'Over coherence_count it is their mean';
COMMENT ON COLUMN observa.metrics_total_%1$s.toxicity_sum IS 'Over toxicity_count it is their mean';
COMMENT ON COLUMN observa.metrics_total_%1$s.hallucination_risk_sum IS 'Over hallucination_risk_count it is their mean';
$comment$, name);
    END LOOP;
END
$metrics$;

CREATE OR REPLACE VIEW observa.metrics_user_hour WITH (security_invoker = true) AS
WITH tail AS MATERIALIZED (SELECT * FROM observa_internal.unfolded_users())
SELECT m.bucket, m.tenant_id, m.project_id, m.environment, m.user_id,
       m.events + coalesce(t.events, 0) AS events,
       m.errors + coalesce(t.errors, 0) AS errors,
       m.timeouts + coalesce(t.timeouts, 0) AS timeouts,
       m.total_tokens + coalesce(t.total_tokens, 0) AS tokens,
       CASE WHEN m.priced + coalesce(t.priced, 0) > 0 THEN m.cost_usd + coalesce(t.cost_usd, 0) END AS cost_usd
  FROM observa_internal.user_metrics m
  LEFT JOIN tail t ON t.tenant_id = m.tenant_id AND t.bucket = m.bucket AND t.project_id = m.project_id
                  AND t.environment = m.environment AND t.user_id = m.user_id
 WHERE m.events + coalesce(t.events, 0) <> 0
UNION ALL
SELECT t.bucket, t.tenant_id, t.project_id, t.environment, t.user_id, t.events, t.errors, t.timeouts, t.total_tokens,
       CASE WHEN t.priced > 0 THEN t.cost_usd END
  FROM tail t
 WHERE t.events <> 0
   AND NOT EXISTS (SELECT FROM observa_internal.user_metrics m
                    WHERE m.tenant_id = t.tenant_id AND m.bucket = t.bucket AND m.project_id = t.project_id
                      AND m.environment = t.environment AND m.user_id = t.user_id);
COMMENT ON VIEW observa.metrics_user_hour IS 'Events of an hour by end user of the application

A committed event is in the next query''s numbers. Tokens and money are those of billable events alone.';
COMMENT ON COLUMN observa.metrics_user_hour.bucket IS 'When the hour begins';
COMMENT ON COLUMN observa.metrics_user_hour.user_id IS 'As in observa.events; other: beyond observa.max_users_per_hour users of an hour';
COMMENT ON COLUMN observa.metrics_user_hour.cost_usd IS 'NULL: no cost is known of any of them';

CREATE OR REPLACE VIEW observa.metrics_tag_hour WITH (security_invoker = true) AS
WITH tail AS MATERIALIZED (SELECT * FROM observa_internal.unfolded_tags())
SELECT m.bucket, m.tenant_id, m.project_id, m.environment, m.tag, m.value,
       m.events + coalesce(t.events, 0) AS events,
       m.errors + coalesce(t.errors, 0) AS errors,
       m.timeouts + coalesce(t.timeouts, 0) AS timeouts,
       m.total_tokens + coalesce(t.total_tokens, 0) AS tokens,
       CASE WHEN m.priced + coalesce(t.priced, 0) > 0 THEN m.cost_usd + coalesce(t.cost_usd, 0) END AS cost_usd,
       CASE WHEN t.tenant_id IS NULL THEN m.users::observa.distinct_values
            ELSE observa_internal.add_distinct(m.users::observa.distinct_values, t.users::observa.distinct_values) END AS users
  FROM observa_internal.tag_metrics m
  LEFT JOIN tail t ON t.tenant_id = m.tenant_id AND t.bucket = m.bucket AND t.project_id = m.project_id
                  AND t.environment = m.environment AND t.tag = m.tag AND t.value = m.value
 WHERE m.events + coalesce(t.events, 0) <> 0
UNION ALL
SELECT t.bucket, t.tenant_id, t.project_id, t.environment, t.tag, t.value, t.events, t.errors, t.timeouts, t.total_tokens,
       CASE WHEN t.priced > 0 THEN t.cost_usd END, t.users::observa.distinct_values
  FROM tail t
 WHERE t.events <> 0
   AND NOT EXISTS (SELECT FROM observa_internal.tag_metrics m
                    WHERE m.tenant_id = t.tenant_id AND m.bucket = t.bucket AND m.project_id = t.project_id
                      AND m.environment = t.environment AND m.tag = t.tag AND m.value = t.value);
COMMENT ON VIEW observa.metrics_tag_hour IS 'Events of an hour by the value of a tag that the project lists in metric_tags

A committed event is in the next query''s numbers. Tokens and money are those of billable events alone. An event that has several
values of a tag is in a row of each: sums over a tag''s values may count it more than once. observa.set_metric_tags lists the tags.';
COMMENT ON COLUMN observa.metrics_tag_hour.bucket IS 'When the hour begins';
COMMENT ON COLUMN observa.metrics_tag_hour.value IS 'Up to 200 bytes of it; other: beyond observa.max_values_per_tag values of an hour';
COMMENT ON COLUMN observa.metrics_tag_hour.cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.metrics_tag_hour.users IS 'End users, as a sketch: observa.distinct_count(observa.merge(users)) over any rows; NULL: none is known';
