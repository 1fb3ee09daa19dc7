-- $1: an alert of the acting tenant, what it rests on, and what is beside it, as one JSON object; and what its metric is found by. Its signals
-- are those of alert_sightings() in sql/views/alerts.sql.
WITH alert AS MATERIALIZED (
    SELECT a.tenant_id, a.alert_id, a.alert_key, a.project_id, a.environment, a.rule, a.alert_group, a.title, a.description, a.severity, a.source,
           a.status, a.assignee, a.note, a.created_at, a.resolved_at, a.closed_at, a.current_value, a.threshold_value, a.trace_id, c.*,
           coalesce((SELECT least(p.ended, a.opened) FROM observa_internal.alerts p
                      WHERE p.tenant_id = a.tenant_id AND p.alert_key = a.alert_key AND p.opened < a.opened
                      ORDER BY p.opened DESC LIMIT 1), '00000000-0000-0000-0000-000000000000') AS from_signal,
           coalesce(least(a.ended, (SELECT n.opened FROM observa_internal.alerts n
                                     WHERE n.tenant_id = a.tenant_id AND n.alert_key = a.alert_key AND n.opened > a.opened
                                     ORDER BY n.opened LIMIT 1)), 'ffffffff-ffff-ffff-ffff-ffffffffffff') AS to_signal
      FROM observa_internal.alerts a
     CROSS JOIN LATERAL observa_internal.alert_sightings(a) c
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = $1
), signal AS MATERIALIZED (
    SELECT s.*
      FROM alert a
     CROSS JOIN LATERAL (SELECT * FROM observa_internal.signals g
                          WHERE g.tenant_id = a.tenant_id AND g.alert_key = a.alert_key AND g.signal_id >= a.from_signal AND g.signal_id < a.to_signal
                          ORDER BY g.signal_id DESC LIMIT 10) s
), last AS MATERIALIZED (
    -- Several rules may tell of one problem: whose threshold the alert shows is the one that is explained.
    SELECT s.*, coalesce(s.details ->> 'rule', s.name) AS by_rule
      FROM signal s
     CROSS JOIN alert a
     ORDER BY (s.threshold IS NOT DISTINCT FROM a.threshold_value) DESC, s.signal_id DESC
     LIMIT 1
), event_key AS MATERIALIZED (
    -- Of a rule over a window no event is the cause: shown are the worst of its newest 1,000.
    SELECT s.ts, s.event_id FROM signal s WHERE s.event_id IS NOT NULL
    UNION
    (SELECT w.ts, w.event_id
       FROM last l
      CROSS JOIN LATERAL (SELECT e.ts, e.event_id, e.status, e.latency_ms, e.cost_usd
                            FROM observa_internal.events e
                           WHERE e.tenant_id = l.tenant_id AND e.project_id = l.project_id AND e.environment = l.environment
                             AND e.ts >= (l.details ->> 'window_start')::timestamptz AND e.ts < (l.details ->> 'window_end')::timestamptz
                             AND (l.model IS NULL OR e.model = l.model) AND (l.route IS NULL OR e.route = l.route)
                             AND (l.user_id IS NULL OR e.user_id = l.user_id)
                           ORDER BY e.ts DESC LIMIT 1000) w
      WHERE l.event_id IS NULL
      ORDER BY CASE WHEN l.details ->> 'metric' = 'error_rate' THEN (w.status <> 'ok')::integer END DESC NULLS LAST,
               CASE WHEN l.details ->> 'metric' IN ('cost', 'tokens') THEN w.cost_usd END DESC NULLS LAST, w.latency_ms DESC NULLS LAST
      LIMIT 10)
), sample AS MATERIALIZED (
    SELECT e.ts, e.event_id, e.trace_id, e.event_type, e.status, e.model, e.route, e.tool_name, e.version, e.user_id, e.latency_ms, e.total_tokens,
           e.cost_usd, e.error_type, pg_catalog.left(p.error_message, 200) AS error_message
      FROM event_key k
      JOIN observa_internal.events e ON e.tenant_id = observa.current_tenant() AND e.ts = k.ts AND e.event_id = k.event_id
      LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
)
SELECT pg_catalog.jsonb_build_object(
           'id', a.alert_id, 'title', a.title, 'description', a.description, 'severity', a.severity, 'status', a.status, 'source', a.source,
           'group', a.alert_group, 'environment', a.environment, 'project_id', a.project_id, 'assignee', a.assignee, 'note', a.note,
           'created_at', a.created_at, 'value', a.current_value, 'threshold', a.threshold_value, 'unit', l.details ->> 'unit',
           'baseline', l.details -> 'baseline', 'samples', l.details -> 'samples', 'explanation', l.details ->> 'explanation',
           'occurrences', a.occurrences, 'first_seen', a.first_seen, 'last_seen', a.last_seen,
           'rule', coalesce((SELECT pg_catalog.to_jsonb(r) - 'tenant_id' FROM observa.detection_rules r
                              WHERE r.name = coalesce(l.by_rule, a.rule) AND coalesce(r.project_id, a.project_id) = a.project_id
                              ORDER BY r.project_id NULLS LAST LIMIT 1), '{}') || pg_catalog.jsonb_build_object('name', coalesce(l.by_rule, a.rule)),
           'issues', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT s.issue_id), '[]') FROM signal s WHERE s.issue_id IS NOT NULL),
           'events', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(e) ORDER BY e.ts DESC), '[]') FROM sample e),
           'traces', (SELECT coalesce(pg_catalog.jsonb_agg(DISTINCT e.trace_id), '[]') FROM sample e WHERE e.trace_id IS NOT NULL),
           'history', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(h) ORDER BY h.at), '[]')
                         FROM (SELECT v.at, v.event, v.actor, v.note, v.assignee, v.value FROM observa.alert_events v
                                WHERE v.tenant_id = a.tenant_id AND v.alert_id = a.alert_id ORDER BY v.at DESC LIMIT 200) h),
           'related', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(o) ORDER BY o.created_at), '[]')
                         FROM (SELECT r.alert_id AS id, r.title, r.rule, r.alert_group AS "group", r.severity, r.status, r.created_at,
                                      r.trace_id = a.trace_id AS same_trace
                                 FROM observa_internal.alerts r
                                WHERE r.tenant_id = a.tenant_id AND r.project_id = a.project_id AND r.alert_id <> a.alert_id
                                  AND r.created_at BETWEEN a.created_at - interval '30 minutes' AND a.created_at + interval '30 minutes'
                                ORDER BY pg_catalog.abs(extract(epoch FROM r.created_at - a.created_at)) LIMIT 20) o)),
       a.rule, a.source, coalesce(l.by_rule, a.rule), a.project_id, a.environment, a.alert_group, a.created_at,
       coalesce(a.closed_at, a.resolved_at, pg_catalog.now())
  FROM alert a
  LEFT JOIN last l ON true
