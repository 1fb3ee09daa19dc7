-- $1: a month, as its first day since 1970-01-01. Projects of the acting tenant that are at another level of their quota than was told: what was told, the level,
-- and what a signal needs. A quota that was raised is told again.
WITH level AS (
    SELECT u.tenant_id, u.project_id, u.month, u.told, u.events, p.monthly_events AS quota, p.name, p.environment,
           CASE WHEN u.events >= p.monthly_events THEN 100
                WHEN u.events >= p.monthly_events * 0.8 THEN 80 ELSE 0 END::smallint AS reached
      FROM observa_internal.usage u
      JOIN observa_internal.projects p ON p.tenant_id = u.tenant_id AND p.project_id = u.project_id
     WHERE u.month = '1970-01-01'::date + $1 AND u.tenant_id = observa.current_tenant() AND p.monthly_events IS NOT NULL
)
UPDATE observa_internal.usage u
   SET told = level.reached
  FROM level
 WHERE u.tenant_id = level.tenant_id AND u.project_id = level.project_id AND u.month = level.month
   AND u.told <> level.reached
RETURNING level.project_id, level.name, level.environment, level.told, level.reached, level.events, level.quota
