-- $1 an hour, $2 a tag: values of it that are counted in the acting tenant's projects.
SELECT m.project_id, m.environment, m.value FROM observa_internal.tag_metrics m
 WHERE m.tenant_id = observa.current_tenant() AND m.bucket = $1 AND m.tag = $2
