-- $1 to $3: activities of the acting tenant, and $4 how many traces they have more.
UPDATE observa_internal.activities a
   SET traces = a.traces + more.traces
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::bigint[]))
       AS more (actor, id, project_id, traces)
 WHERE a.tenant_id = observa.current_tenant() AND a.actor = more.actor AND a.id = more.id AND a.project_id = more.project_id
