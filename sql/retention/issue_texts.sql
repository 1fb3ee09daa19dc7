-- $1 project, rows of $2 to before $3, $4 most rows at once. The fact stays, what errors said of it goes.
WITH old AS MATERIALIZED (
    SELECT o.issue_id
      FROM observa_internal.issues o
     WHERE o.tenant_id = observa.current_tenant() AND o.last_seen >= $2 AND o.last_seen < $3 AND o.project_id = $1
       AND o.title <> pg_catalog.replace(o.name, '_', ' ')
     LIMIT $4
)
UPDATE observa_internal.issues i
   SET title = pg_catalog.replace(i.name, '_', ' ')
  FROM old o
 WHERE i.tenant_id = observa.current_tenant() AND i.issue_id = o.issue_id
