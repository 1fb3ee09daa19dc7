-- The acting tenant's days from that of $1 on, those of a group together, its past before its present, which is the day of $2. Groups that have none are left out.
SELECT d.project_id, d.environment, d.model, d.route, d.manner, d.day = ($2 AT TIME ZONE 'UTC')::date
  FROM observa_internal.answer_days d
 WHERE d.tenant_id = observa.current_tenant() AND d.day >= ($1 AT TIME ZONE 'UTC')::date AND d.day <= ($2 AT TIME ZONE 'UTC')::date
   AND EXISTS (SELECT FROM observa_internal.answer_days n
                WHERE n.tenant_id = d.tenant_id AND n.day = ($2 AT TIME ZONE 'UTC')::date AND n.project_id = d.project_id
                  AND n.environment = d.environment AND n.model = d.model AND n.route = d.route)
 ORDER BY d.project_id, d.environment, d.model, d.route, d.day
