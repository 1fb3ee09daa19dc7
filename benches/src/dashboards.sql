-- What ten million events of 30 days leave in the rollups of a project: 232 series of four types of event, hours, days and weeks of the whole time, minutes of
-- its first and last two days, between which a month's edges lie, and of the hours in which days of India begin, end users and tags by the hour, issues, alerts and feedback.
TRUNCATE observa_internal.metrics, observa_internal.metric_series, observa_internal.metric_totals, observa_internal.user_metrics, observa_internal.user_metric_days,
    observa_internal.tag_metrics, observa_internal.rollup_deltas, observa_internal.alerts CASCADE;

CREATE TEMP TABLE bench_series AS
SELECT p.tenant_id, p.project_id, md5(s::text)::uuid AS series_id, s.*
  FROM observa_internal.projects p,
       (SELECT 'llm_call' AS event_type, status, 'provider ' || model % 3 AS provider, 'model ' || model AS model, '/route/' || route AS route,
               NULL AS tool_name, 'v' || route % 3 AS version, CASE status WHEN 'ok' THEN 98 ELSE 2 END * (10 - model) AS weight
          FROM generate_series(1, 8) model, generate_series(1, 12) route, unnest(ARRAY['ok', 'error']) status
        UNION ALL
        SELECT 'tool_call', status, NULL, NULL, NULL, 'tool ' || tool, NULL, CASE status WHEN 'ok' THEN 300 ELSE 6 END
          FROM generate_series(1, 15) tool, unnest(ARRAY['ok', 'error']) status
        UNION ALL
        SELECT 'embedding', 'ok', 'provider 1', 'embedding ' || model, NULL, NULL, NULL, 1500 FROM generate_series(1, 2) model
        UNION ALL
        SELECT 'retrieval', 'ok', NULL, NULL, '/route/' || route, NULL, NULL, 400 FROM generate_series(1, 8) route) s;
INSERT INTO observa_internal.metric_series (tenant_id, series_id, project_id, environment, event_type, status, provider, model, route, tool_name, version)
SELECT tenant_id, series_id, project_id, 'prod', event_type, status, provider, model, route, tool_name, version FROM bench_series;

CREATE TEMP TABLE bench_buckets AS
SELECT 'week' AS resolution, date_trunc('week', now(), 'UTC') - n * interval '7 days' AS bucket, 30 / 7.0 AS buckets FROM generate_series(0, 5) n
UNION ALL SELECT 'day', date_trunc('day', now(), 'UTC') - n * interval '1 day', 30 FROM generate_series(0, 36) n
UNION ALL SELECT 'hour', date_trunc('hour', now()) - n * interval '1 hour', 720 FROM generate_series(0, 744) n
UNION ALL SELECT 'minute', date_trunc('minute', now()) - n * interval '1 minute', 43200 FROM generate_series(0, 2880) n
UNION ALL SELECT 'minute', date_trunc('minute', now()) - n * interval '1 minute', 43200 FROM generate_series(41760, 44640) n
UNION ALL SELECT 'minute', m.bucket, 43200 FROM (SELECT date_trunc('minute', now()) - n * interval '1 minute' AS bucket FROM generate_series(2881, 41759) n) m
 WHERE extract(hour FROM m.bucket AT TIME ZONE 'UTC') = 18;

-- Histograms of so many latencies, of which each row has one.
CREATE TEMP TABLE bench_latencies AS
SELECT n, h.latency
  FROM unnest(ARRAY[1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946, 17711, 28657]) n,
       LATERAL (SELECT observa.histogram(exp(6 + random() * 3))::bytea AS latency FROM generate_series(1, n)) h;

-- In the order in which folds write them.
INSERT INTO observa_internal.metrics
SELECT s.tenant_id, b.resolution, b.bucket, s.series_id, c.n, CASE s.status WHEN 'error' THEN c.n ELSE 0 END, 0, c.n, c.n, c.n * 900, c.n * 300, c.n * 10, c.n, c.n,
       c.n * 1200, c.n * 0.002, l.latency, CASE s.event_type WHEN 'llm_call' THEN l.latency END
  FROM bench_series s
 CROSS JOIN (SELECT sum(weight) AS weight FROM bench_series) w
 CROSS JOIN bench_buckets b
 CROSS JOIN LATERAL (SELECT floor(10000000.0 * s.weight / w.weight / b.buckets + random())::bigint AS n) c
  JOIN bench_latencies l ON l.n = (SELECT max(x.n) FROM bench_latencies x WHERE x.n <= c.n)
 WHERE c.n > 0
 ORDER BY b.bucket, b.resolution, s.series_id;

INSERT INTO observa_internal.metric_totals
SELECT m.tenant_id, m.resolution, m.bucket, s.project_id, 'prod', s.event_type, sum(m.events), sum(m.errors), 0, sum(m.billable), sum(m.priced), sum(m.input_tokens),
       sum(m.output_tokens), sum(m.cached_input_tokens), sum(m.cache_write_tokens), sum(m.reasoning_tokens), sum(m.total_tokens), sum(m.cost_usd),
       sum(m.events) * 0.8, sum(m.events), sum(m.events) * 0.1, sum(m.events), sum(m.events) * 0.2, sum(m.events),
       observa.merge(m.latency::observa.histogram)::bytea, observa.merge(m.ttft::observa.histogram)::bytea,
       (SELECT observa.distinct_values('user ' || (extract(epoch FROM m.bucket)::bigint * 7 + n) % 5000)::bytea
          FROM generate_series(1, CASE m.resolution WHEN 'week' THEN 4000 WHEN 'day' THEN 2000 WHEN 'hour' THEN 300 ELSE 20 END) n)
  FROM observa_internal.metrics m JOIN observa_internal.metric_series s USING (tenant_id, series_id)
 GROUP BY m.tenant_id, m.resolution, m.bucket, s.project_id, s.event_type
 ORDER BY m.bucket, m.resolution, s.event_type;

-- 300 end users in each hour, of 900 in a day and 5,000 in all, and 40 values of a tag.
INSERT INTO observa_internal.user_metrics
SELECT s.tenant_id, b.bucket, s.project_id, 'prod', 'user ' || (extract(day FROM b.bucket) * 617 + (extract(hour FROM b.bucket) * 53 + n)::bigint % 900) % 5000, 46, 1, 0, 40, 40, 50000, 0.09
  FROM (SELECT DISTINCT tenant_id, project_id FROM bench_series) s, bench_buckets b, generate_series(1, 300) n WHERE b.resolution = 'hour'
 ORDER BY b.bucket, 5;
INSERT INTO observa_internal.user_metric_days
SELECT m.tenant_id, date_trunc('day', m.bucket, 'UTC'), m.project_id, m.environment, m.user_id, sum(m.events), sum(m.errors), 0, sum(m.billable),
       sum(m.priced), sum(m.total_tokens), sum(m.cost_usd)
  FROM observa_internal.user_metrics m GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 5;
INSERT INTO observa_internal.tag_metrics
SELECT s.tenant_id, 'customer', b.bucket, s.project_id, 'prod', 'customer ' || n, 347, 7, 0, 300, 300, 400000, 0.7,
       (SELECT observa.distinct_values('user ' || u)::bytea FROM generate_series(n, n + 10) u)
  FROM (SELECT DISTINCT tenant_id, project_id FROM bench_series) s, bench_buckets b, generate_series(1, 40) n WHERE b.resolution = 'hour'
 ORDER BY b.bucket, n;

INSERT INTO observa_internal.alerts (tenant_id, project_id, environment, rule, alert_group, alert_key, title, description, severity, source, status, first_seen, opened, created_at)
SELECT s.tenant_id, s.project_id, 'prod', 'high_latency', n::text, md5(n::text)::uuid, 'slow', 'slow', CASE n % 4 WHEN 0 THEN 'critical' ELSE 'warning' END, 'rule',
       CASE WHEN n % 100 = 0 THEN 'active' ELSE 'resolved' END, now() - n * interval '8 minutes', gen_random_uuid(), now() - n * interval '8 minutes'
  FROM (SELECT DISTINCT tenant_id, project_id FROM bench_series) s, generate_series(1, 5000) n;
ANALYZE observa_internal.metrics, observa_internal.metric_series, observa_internal.metric_totals, observa_internal.user_metrics, observa_internal.user_metric_days,
    observa_internal.tag_metrics, observa_internal.alerts;
