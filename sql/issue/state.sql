-- Of $1, an issue of the acting tenant.
SELECT i.state, i.project_id FROM observa.issues i WHERE i.tenant_id = observa.current_tenant() AND i.id = $1
