-- What dashboards of days read at once. A materialized view can't carry row-level security: nobody may read these, and the views
-- over them show each tenant its own.
CREATE MATERIALIZED VIEW IF NOT EXISTS observa_internal.daily_metrics AS
SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day, m.tenant_id, s.project_id, s.model,
       pg_catalog.sum(m.events)::bigint AS requests,
       pg_catalog.sum(m.errors + m.timeouts)::bigint AS errors,
       pg_catalog.sum(m.total_tokens)::bigint AS tokens,
       CASE WHEN pg_catalog.sum(m.priced) > 0 THEN pg_catalog.sum(m.cost_usd) END AS cost_usd,
       observa.merge(m.latency::observa.histogram)::bytea AS latency
  FROM observa_internal.metrics m
  JOIN observa_internal.metric_series s ON s.tenant_id = m.tenant_id AND s.series_id = m.series_id
 WHERE m.resolution = 'day' AND s.event_type IN ('llm_call', 'embedding') AND m.events <> 0
 GROUP BY 1, 2, 3, 4;
COMMENT ON MATERIALIZED VIEW observa_internal.daily_metrics IS 'Days by project and model, of all tenants';
CREATE UNIQUE INDEX IF NOT EXISTS daily_metrics_key ON observa_internal.daily_metrics (tenant_id, day, project_id, model) NULLS NOT DISTINCT;
COMMENT ON INDEX observa_internal.daily_metrics_key IS 'A tenant''s days, and REFRESH CONCURRENTLY';

CREATE MATERIALIZED VIEW IF NOT EXISTS observa_internal.model_daily AS
SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day, m.tenant_id, s.provider, s.model,
       pg_catalog.sum(m.events)::bigint AS requests,
       pg_catalog.sum(m.errors + m.timeouts)::bigint AS errors,
       pg_catalog.sum(m.input_tokens)::bigint AS input_tokens,
       pg_catalog.sum(m.output_tokens)::bigint AS output_tokens,
       pg_catalog.sum(m.total_tokens)::bigint AS tokens,
       CASE WHEN pg_catalog.sum(m.priced) > 0 THEN pg_catalog.sum(m.cost_usd) END AS cost_usd,
       observa.merge(m.latency::observa.histogram)::bytea AS latency,
       observa.merge(m.ttft::observa.histogram)::bytea AS ttft
  FROM observa_internal.metrics m
  JOIN observa_internal.metric_series s ON s.tenant_id = m.tenant_id AND s.series_id = m.series_id
 WHERE m.resolution = 'day' AND s.event_type IN ('llm_call', 'embedding') AND m.events <> 0
 GROUP BY 1, 2, 3, 4;
COMMENT ON MATERIALIZED VIEW observa_internal.model_daily IS 'Days by provider and model, of all tenants';
CREATE UNIQUE INDEX IF NOT EXISTS model_daily_key ON observa_internal.model_daily (tenant_id, day, provider, model) NULLS NOT DISTINCT;
COMMENT ON INDEX observa_internal.model_daily_key IS 'A tenant''s days, and REFRESH CONCURRENTLY';

-- Of older storage, which counted the users of all days at each refresh: what it has counted is kept.
DO $older$
BEGIN
    IF pg_catalog.pg_get_viewdef(pg_catalog.to_regclass('observa_internal.tenant_daily')) LIKE '%user_metrics%' THEN
        INSERT INTO observa_internal.user_days (tenant_id, day, users)
        SELECT tenant_id, day, users FROM observa_internal.tenant_daily ON CONFLICT DO NOTHING;
        DROP INDEX observa_internal.tenant_daily_key;
        ALTER MATERIALIZED VIEW observa_internal.tenant_daily RENAME TO older_tenant_daily;
    END IF;
END
$older$;

CREATE MATERIALIZED VIEW IF NOT EXISTS observa_internal.tenant_daily AS
SELECT (m.bucket AT TIME ZONE 'UTC')::date AS day, m.tenant_id,
       pg_catalog.sum(m.events)::bigint AS events,
       coalesce(pg_catalog.sum(m.events) FILTER (WHERE m.event_type = 'llm_call'), 0)::bigint AS requests,
       pg_catalog.sum(m.errors + m.timeouts)::bigint AS errors,
       pg_catalog.sum(m.total_tokens)::bigint AS tokens,
       CASE WHEN pg_catalog.sum(m.priced) > 0 THEN pg_catalog.sum(m.cost_usd) END AS cost_usd,
       coalesce(pg_catalog.min(u.users), 0) AS users
  FROM observa_internal.metric_totals m
  LEFT JOIN observa_internal.user_days u ON u.tenant_id = m.tenant_id AND u.day = (m.bucket AT TIME ZONE 'UTC')::date
 WHERE m.resolution = 'day' AND m.events <> 0
 GROUP BY m.bucket, m.tenant_id;
COMMENT ON MATERIALIZED VIEW observa_internal.tenant_daily IS 'Days of all tenants';
CREATE UNIQUE INDEX IF NOT EXISTS tenant_daily_key ON observa_internal.tenant_daily (tenant_id, day);
COMMENT ON INDEX observa_internal.tenant_daily_key IS 'A tenant''s days, and REFRESH CONCURRENTLY';

REVOKE ALL ON observa_internal.daily_metrics, observa_internal.model_daily, observa_internal.tenant_daily FROM PUBLIC;

-- They run with their owner's rights, who alone may read the materialized views: the filter is what a policy would be.
CREATE OR REPLACE VIEW observa.daily_metrics WITH (security_barrier = true) AS
SELECT day, project_id, model, requests, errors, tokens, cost_usd, observa.quantile(latency::observa.histogram, 0.5) AS p50,
       observa.quantile(latency::observa.histogram, 0.95) AS p95, observa.quantile(latency::observa.histogram, 0.99) AS p99, tenant_id
  FROM observa_internal.daily_metrics
 WHERE tenant_id = observa.readable_tenant() OR pg_catalog.current_setting('is_superuser') = 'on';
COMMENT ON VIEW observa.daily_metrics IS 'A day by project and model: requests to models, and how long they took

As of the last refresh (observa.workers), ten minutes ago at most where a worker runs; metrics_day is never behind.';
COMMENT ON COLUMN observa.daily_metrics.day IS 'In UTC';
COMMENT ON COLUMN observa.daily_metrics.errors IS 'Timeouts among them';
COMMENT ON COLUMN observa.daily_metrics.cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.daily_metrics.p50 IS 'Milliseconds; NULL: none is known';
COMMENT ON COLUMN observa.daily_metrics.p95 IS 'Milliseconds; NULL: none is known';
COMMENT ON COLUMN observa.daily_metrics.p99 IS 'Milliseconds; NULL: none is known';

CREATE OR REPLACE VIEW observa.model_daily WITH (security_barrier = true) AS
SELECT day, provider, model, requests, errors, input_tokens, output_tokens, tokens, cost_usd,
       observa.quantile(latency::observa.histogram, 0.5) AS p50, observa.quantile(latency::observa.histogram, 0.95) AS p95,
       observa.quantile(latency::observa.histogram, 0.99) AS p99, observa.quantile(ttft::observa.histogram, 0.5) AS ttft_p50,
       observa.quantile(ttft::observa.histogram, 0.95) AS ttft_p95, tenant_id
  FROM observa_internal.model_daily
 WHERE tenant_id = observa.readable_tenant() OR pg_catalog.current_setting('is_superuser') = 'on';
COMMENT ON VIEW observa.model_daily IS 'A day by provider and model, over all projects

As of the last refresh (observa.workers), ten minutes ago at most where a worker runs. Latencies are milliseconds, NULL where none is known.';
COMMENT ON COLUMN observa.model_daily.day IS 'In UTC';
COMMENT ON COLUMN observa.model_daily.errors IS 'Timeouts among them';
COMMENT ON COLUMN observa.model_daily.cost_usd IS 'NULL: no cost is known of any of them';

CREATE OR REPLACE VIEW observa.tenant_daily WITH (security_barrier = true) AS
SELECT day, events, requests, errors, tokens, cost_usd, users, tenant_id
  FROM observa_internal.tenant_daily
 WHERE tenant_id = observa.readable_tenant() OR pg_catalog.current_setting('is_superuser') = 'on';
COMMENT ON VIEW observa.tenant_daily IS 'A day of the tenant

As of the last refresh (observa.workers), ten minutes ago at most where a worker runs.';
COMMENT ON COLUMN observa.tenant_daily.day IS 'In UTC';
COMMENT ON COLUMN observa.tenant_daily.requests IS 'LLM calls';
COMMENT ON COLUMN observa.tenant_daily.errors IS 'Timeouts among them';
COMMENT ON COLUMN observa.tenant_daily.cost_usd IS 'NULL: no cost is known of any of them';
COMMENT ON COLUMN observa.tenant_daily.users IS 'End users of the application that did something, told apart as far as observa.max_users_per_hour goes';

DROP MATERIALIZED VIEW IF EXISTS observa_internal.older_tenant_daily;

GRANT SELECT ON observa.daily_metrics, observa.model_daily, observa.tenant_daily TO observa_read;
