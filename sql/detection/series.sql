-- Series of the acting tenant that were counted since the day in UTC of $1. The columns from event_type on are those of the pipeline's Dimension.
SELECT s.series_id, s.project_id, s.event_type, s.environment, s.provider, s.model, s.route, s.tool_name, s.version, s.status
  FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant() AND s.last_seen >= ($1 AT TIME ZONE 'UTC')::date
