-- $1 project, rows of $2 to before $3, $4 most rows at once. The fact stays, what errors said of it goes.
WITH old AS MATERIALIZED (
    SELECT o.issue_id
      FROM observa_internal.issues o
     WHERE o.tenant_id = observa.current_tenant() AND o.last_seen >= $2 AND o.last_seen < $3 AND o.project_id = $1
       AND (o.title <> pg_catalog.replace(o.name, '_', ' ')
            OR EXISTS (SELECT FROM observa_internal.issue_states n
                        WHERE n.tenant_id = o.tenant_id AND n.issue_id = o.issue_id AND n.note IS NOT NULL))
     LIMIT $4
), said AS (
    UPDATE observa_internal.issue_states t
       SET note = NULL
      FROM old o
     WHERE t.tenant_id = observa.current_tenant() AND t.issue_id = o.issue_id
)
UPDATE observa_internal.issues i
   SET title = pg_catalog.replace(i.name, '_', ' ')
  FROM old o
 WHERE i.tenant_id = observa.current_tenant() AND i.issue_id = o.issue_id
