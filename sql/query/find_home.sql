-- $1 tenant and $2 project, each by id or by name (an id wins over a name that looks like one). An unknown project is the
-- tenant's default.
SELECT t.tenant_id, p.project_id, p.environment, t.pseudonym_key, p.scrub_emails, t.name
  FROM observa_internal.tenants t
  JOIN observa_internal.projects p ON p.tenant_id = t.tenant_id
 WHERE (t.tenant_id::text = $1 OR t.name = $1)
   AND (p.project_id::text = $2 OR p.name = $2 OR p.name = 'default')
 ORDER BY t.tenant_id::text = $1 DESC, coalesce(p.project_id::text = $2, false) DESC, coalesce(p.name = $2, false) DESC,
          p.environment = 'prod' DESC, p.project_id
 LIMIT 1
