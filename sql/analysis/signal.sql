-- A verdict over its threshold: $1 id, $2 job, $3 name, $4 severity, $5 score, $6 threshold, $7 details, $8 group of its alert, $9 its key. The table's
-- trigger raises the alert.
INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, value, threshold,
       alert_group, alert_key, trace_id, span_id, event_id, model, route, user_id, details, issue_id)
SELECT j.tenant_id, pg_catalog.clock_timestamp(), $1, j.project_id, j.environment, $3, 'quality', $4, $5, $6, $8, $9,
       j.trace_id, e.span_id, e.event_id, e.model, e.route, j.user_id, $7, observa_internal.issue_of(j.project_id, j.environment, $3, $8, $7)
  FROM observa_internal.analysis_jobs j
  LEFT JOIN observa_internal.events e ON e.tenant_id = j.tenant_id AND e.ts = j.ts AND e.event_id = j.event_id
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $2
