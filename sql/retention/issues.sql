-- $1 project, rows of $2 to before $3, $4 most rows at once. An issue goes when its last signal would.
WITH old AS MATERIALIZED (
    SELECT o.issue_id
      FROM observa_internal.issues o
     WHERE o.tenant_id = observa.current_tenant() AND o.last_seen >= $2 AND o.last_seen < $3 AND o.project_id = $1
     LIMIT $4
), decided AS (
    DELETE FROM observa_internal.issue_states t
     USING old o
     WHERE t.tenant_id = observa.current_tenant() AND t.issue_id = o.issue_id
)
DELETE FROM observa_internal.issues i
 USING old o
 WHERE i.tenant_id = observa.current_tenant() AND i.issue_id = o.issue_id
