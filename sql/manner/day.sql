-- The acting tenant's row of a day: $1 a time of the day, $2 project, $3 environment, $4 model, $5 route.
SELECT d.manner FROM observa_internal.answer_days d
 WHERE d.tenant_id = observa.current_tenant() AND d.day = ($1 AT TIME ZONE 'UTC')::date AND d.project_id = $2 AND d.environment = $3
   AND d.model = $4 AND d.route = $5
