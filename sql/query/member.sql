-- $1 tenant, $2 subject of the claims, $3 project that they name. The member's role, and the project if it is the tenant's.
SELECT m.role, (SELECT p.project_id FROM observa_internal.projects p WHERE p.tenant_id = m.tenant_id AND p.project_id = $3)
  FROM observa_internal.members m
 WHERE m.tenant_id = $1 AND m.subject = $2
