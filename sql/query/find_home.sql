-- $1 tenant, $2 project, $3 environment, by name; $4 tenant and $5 project as ids, NULL where they are none. An id wins over a
-- name that looks like one. An unknown project is the tenant's default. Of projects of one name, which are told apart by their
-- environment, the one of the event's environment is found, else the one of prod; namesakes says whether there are others.
SELECT t.tenant_id, p.project_id, p.environment, t.pseudonym_key, p.scrub_emails, t.name,
       p.project_id IS DISTINCT FROM $5 AND EXISTS (SELECT FROM observa_internal.projects o
                                                     WHERE o.tenant_id = p.tenant_id AND o.name = p.name
                                                       AND o.project_id <> p.project_id) AS namesakes
  FROM observa_internal.tenants t
  JOIN observa_internal.projects p ON p.tenant_id = t.tenant_id
 WHERE (t.tenant_id = $4 OR t.name = $1)
   AND (p.project_id = $5 OR p.name = $2 OR p.name = 'default')
 ORDER BY coalesce(t.tenant_id = $4, false) DESC, coalesce(p.project_id = $5, false) DESC,
          coalesce(p.name = $2, false) DESC, coalesce(p.environment = $3, false) DESC, p.environment = 'prod' DESC,
          p.project_id
 LIMIT 1
