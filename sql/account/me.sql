-- $1 account, $2 tenant.
SELECT pg_catalog.jsonb_build_object('id', a.account_id, 'email', a.email, 'full_name', a.full_name, 'avatar_url', a.avatar_url,
           'company', a.company, 'preferences', a.preferences, 'tenant_id', m.tenant_id, 'tenant', t.name, 'role', m.role)
  FROM observa_internal.accounts a
  LEFT JOIN observa_internal.members m ON m.subject = a.account_id::text AND m.tenant_id = $2
  LEFT JOIN observa_internal.tenants t ON t.tenant_id = m.tenant_id
 WHERE a.account_id = $1
