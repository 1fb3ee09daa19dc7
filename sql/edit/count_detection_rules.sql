-- Rules of the acting tenant's own, over windows and about each event, but $1 (its name) of $2 (its project).
SELECT pg_catalog.count(d.metric), pg_catalog.count(d.expression)
  FROM observa_internal.detection_rules d
 WHERE d.tenant_id = observa.current_tenant() AND (d.name, d.project_id) IS DISTINCT FROM ($1, $2)
