-- $1 project, notes of $2 to before $3, $4 most rows at once. However old its issue is, a note is as old as itself.
WITH old AS MATERIALIZED (
    SELECT t.issue_id
      FROM observa_internal.issue_states t
      JOIN observa_internal.issues o ON o.tenant_id = t.tenant_id AND o.issue_id = t.issue_id
     WHERE t.tenant_id = observa.current_tenant() AND t.decided_at >= $2 AND t.decided_at < $3 AND t.note IS NOT NULL AND o.project_id = $1
     LIMIT $4
)
UPDATE observa_internal.issue_states t
   SET note = NULL
  FROM old o
 WHERE t.tenant_id = observa.current_tenant() AND t.issue_id = o.issue_id
