-- $1 tenant, NULL: all. A row for each number: its family, what it is told apart by, and itself. Projects are told apart for a tenant
-- alone: a server has as many as it likes.
WITH project AS (
    SELECT p.tenant_id, p.project_id, p.monthly_events AS quota,
           CASE WHEN $1 IS NULL THEN '{}' ELSE pg_catalog.jsonb_build_object('project', p.name, 'project_id', p.project_id) END AS labels
      FROM observa_internal.projects p
     WHERE $1 IS NULL OR p.tenant_id = $1
), used AS (
    SELECT u.tenant_id, u.project_id, u.month, u.events FROM observa_internal.usage u WHERE $1 IS NULL OR u.tenant_id = $1
    UNION ALL
    SELECT d.tenant_id, d.project_id, d.month, d.events FROM observa_internal.usage_deltas d WHERE $1 IS NULL OR d.tenant_id = $1
), today AS (
    SELECT p.labels || pg_catalog.jsonb_build_object('event_type', t.event_type) AS labels, pg_catalog.sum(t.events) AS events,
           pg_catalog.sum(t.errors + t.timeouts) AS failures, pg_catalog.sum(t.input_tokens) AS input_tokens,
           pg_catalog.sum(t.output_tokens) AS output_tokens, pg_catalog.sum(t.cost_usd) AS cost_usd
      FROM observa_internal.metric_totals t
      JOIN project p ON p.tenant_id = t.tenant_id AND p.project_id = t.project_id
     WHERE t.resolution = 'day' AND t.bucket = pg_catalog.date_trunc('day', pg_catalog.now(), 'UTC')
     GROUP BY 1
)
SELECT 'observa_events_stored_total', p.labels, pg_catalog.sum(coalesce(u.events, 0))::double precision
  FROM project p LEFT JOIN used u ON u.tenant_id = p.tenant_id AND u.project_id = p.project_id
 GROUP BY p.labels
UNION ALL
SELECT 'observa_quota_events', p.labels, pg_catalog.sum(p.quota)
  FROM project p WHERE p.quota IS NOT NULL AND $1 IS NOT NULL GROUP BY p.labels
UNION ALL
SELECT 'observa_quota_used_events', p.labels, pg_catalog.sum(coalesce(u.events, 0))
  FROM project p
  LEFT JOIN used u ON u.tenant_id = p.tenant_id AND u.project_id = p.project_id
       AND u.month = pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC')::date
 WHERE p.quota IS NOT NULL AND $1 IS NOT NULL GROUP BY p.labels
UNION ALL
SELECT n.family, t.labels || n.labels, n.value
  FROM today t
 CROSS JOIN LATERAL (VALUES ('observa_day_events_total', '{}'::jsonb, t.events::double precision),
                            ('observa_day_errors_total', '{}', t.failures),
                            ('observa_day_tokens_total', '{"direction": "input"}', t.input_tokens),
                            ('observa_day_tokens_total', '{"direction": "output"}', t.output_tokens),
                            ('observa_day_cost_usd_total', '{}', t.cost_usd)) n (family, labels, value)
UNION ALL
SELECT 'observa_rollup_lag_seconds', '{}',
       greatest(0, coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.min(d.added_at)), 0))
  FROM observa_internal.rollup_deltas d WHERE $1 IS NULL OR d.tenant_id = $1
UNION ALL
SELECT 'observa_damaged_deltas', '{}', pg_catalog.count(*)
  FROM observa_internal.damaged_deltas d WHERE $1 IS NULL OR d.tenant_id = $1
UNION ALL
SELECT 'observa_dead_letters', '{}', pg_catalog.count(*)
  FROM observa_internal.rejected_events r WHERE $1 IS NULL OR r.tenant_id = $1
UNION ALL
SELECT 'observa_analysis_jobs', pg_catalog.jsonb_build_object('state', s.state), pg_catalog.count(j.job_id)
  FROM (VALUES ('queued'), ('leased')) s (state)
  LEFT JOIN observa_internal.analysis_jobs j ON j.state = s.state AND j.state IN ('queued', 'leased') AND ($1 IS NULL OR j.tenant_id = $1)
 GROUP BY s.state
UNION ALL
SELECT 'observa_analysis_oldest_job_seconds', '{}',
       greatest(0, coalesce(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.min(j.created_at)), 0))
  FROM observa_internal.analysis_jobs j WHERE j.state IN ('queued', 'leased') AND ($1 IS NULL OR j.tenant_id = $1)
UNION ALL
SELECT n.family, n.labels, n.value
  FROM (SELECT p.labels, coalesce(pg_catalog.sum(s.calls), 0) AS calls, coalesce(pg_catalog.sum(s.cost_usd), 0) AS cost_usd
          FROM project p
          LEFT JOIN observa_internal.analysis_spend s ON s.tenant_id = p.tenant_id AND s.project_id = p.project_id
               AND s.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date
         GROUP BY p.labels) t
 CROSS JOIN LATERAL (VALUES ('observa_day_judge_calls_total', t.labels, t.calls::double precision),
                            ('observa_day_judge_cost_usd_total', t.labels, t.cost_usd)) n (family, labels, value)
UNION ALL
SELECT 'observa_alerts', pg_catalog.jsonb_build_object('severity', s.severity, 'status', t.status), pg_catalog.count(a.alert_id)
  FROM (VALUES ('info'), ('warning'), ('critical')) s (severity)
 CROSS JOIN (VALUES ('active'), ('acknowledged')) t (status)
  LEFT JOIN observa_internal.alerts a ON a.severity = s.severity AND a.status = t.status AND ($1 IS NULL OR a.tenant_id = $1)
 GROUP BY s.severity, t.status
UNION ALL
SELECT 'observa_notifications', pg_catalog.jsonb_build_object('state', s.state), pg_catalog.count(n.notification_id)
  FROM (VALUES ('pending'), ('sending'), ('delivered'), ('failed')) s (state)
  LEFT JOIN observa_internal.notifications n ON n.state = s.state AND ($1 IS NULL OR n.tenant_id = $1)
 GROUP BY s.state
UNION ALL
SELECT n.family, pg_catalog.jsonb_build_object('job', j.job), n.value
  FROM observa_internal.jobs j
 CROSS JOIN LATERAL (VALUES ('observa_job_last_run_age_seconds',
                             pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - j.last_finished)::double precision),
                            ('observa_job_failures', j.failures), ('observa_job_runs_total', j.runs)) n (family, value)
 WHERE n.value IS NOT NULL
