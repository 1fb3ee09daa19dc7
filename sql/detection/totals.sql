-- Types of events of the acting tenant's projects and environments that were counted since the day in UTC of $1.
SELECT DISTINCT s.project_id, s.environment, s.event_type
  FROM observa_internal.metric_series s
 WHERE s.tenant_id = observa.current_tenant() AND s.last_seen >= ($1 AT TIME ZONE 'UTC')::date
