-- $1 job of the acting tenant: where it belongs, and its event's model and route. NULL: a whole trace's.
SELECT j.project_id, j.environment, e.model, e.route
  FROM observa_internal.analysis_jobs j
  LEFT JOIN observa_internal.events e ON e.tenant_id = j.tenant_id AND e.ts = j.ts AND e.event_id = j.event_id
 WHERE j.tenant_id = observa.current_tenant() AND j.job_id = $1
