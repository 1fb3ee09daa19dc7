-- $1 projects of the acting tenant, $2 until when each is stopped.
UPDATE observa_internal.projects j
   SET stopped_until = stop.until
  FROM ROWS FROM (pg_catalog.unnest($1::uuid[]), pg_catalog.unnest($2::timestamptz[])) AS stop (project_id, until)
 WHERE j.tenant_id = observa.current_tenant() AND j.project_id = stop.project_id
