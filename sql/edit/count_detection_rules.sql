-- Rules of the acting tenant's own, but $1 (its name) of $2 (its project).
SELECT pg_catalog.count(*)
  FROM observa_internal.detection_rules d
 WHERE d.tenant_id = observa.current_tenant() AND d.metric IS NOT NULL
   AND (d.name, d.project_id) IS DISTINCT FROM ($1, $2)
