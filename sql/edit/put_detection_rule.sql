-- $1: the new row of the view. The tenant is the acting one.
INSERT INTO observa_internal.detection_rules (tenant_id, project_id, name, enabled, severity, threshold)
VALUES (observa.current_tenant(), ($1 ->> 'project_id')::uuid, $1 ->> 'name', coalesce(($1 ->> 'enabled')::boolean, true),
        $1 ->> 'severity', ($1 ->> 'threshold')::double precision)
    ON CONFLICT (tenant_id, project_id, name) DO UPDATE
   SET enabled = excluded.enabled, severity = excluded.severity, threshold = excluded.threshold,
       changed_at = pg_catalog.now()
