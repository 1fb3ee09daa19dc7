-- $1 an hour: users of the acting tenant that are counted in it.
SELECT m.project_id, m.environment, m.user_id FROM observa_internal.user_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.bucket = $1
