-- $1: the old row of the view. The built-in rule holds again.
DELETE FROM observa_internal.detection_rules
 WHERE tenant_id = observa.current_tenant() AND name = $1 ->> 'name'
   AND project_id IS NOT DISTINCT FROM ($1 ->> 'project_id')::uuid
