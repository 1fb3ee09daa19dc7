-- $1 to $3: activities of the acting tenant, each with $4 a user who is named there no longer.
UPDATE observa_internal.activities a
   SET user_id = NULL
  FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::uuid[]), pg_catalog.unnest($4::text[]))
       AS lost (actor, id, project_id, user_id)
 WHERE a.tenant_id = observa.current_tenant() AND a.actor = lost.actor AND a.id = lost.id AND a.project_id = lost.project_id
   AND a.user_id = lost.user_id
