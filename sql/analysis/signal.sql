-- A verdict over its threshold: $1 id, $2 job, $3 name, $4 severity, $5 score, $6 threshold, $7 details. It is about the event's model and route, as
-- other signals of its kind are. The table's trigger raises the alert. NULL alert_key: of a low one.
INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, value, threshold,
       alert_group, alert_key, trace_id, span_id, event_id, model, route, user_id, details)
SELECT j.tenant_id, pg_catalog.clock_timestamp(), $1, j.project_id, j.environment, $3, 'quality', $4, $5, $6, g.name,
       pg_catalog.md5(pg_catalog.concat_ws('/', 'judged', j.project_id, j.environment, $3, g.name))::uuid,
       j.trace_id, e.span_id, e.event_id, e.model, e.route, j.user_id, $7
  FROM observa_internal.analysis_jobs j
  LEFT JOIN LATERAL (SELECT e.span_id, e.event_id, e.model, e.route
                       FROM observa_internal.events e
                      WHERE e.tenant_id = j.tenant_id AND e.ts = j.ts AND e.event_id = j.event_id) e ON true
 CROSS JOIN LATERAL (SELECT pg_catalog.concat_ws(' ', 'model=' || e.model, 'route=' || e.route) AS name) g
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $2
