-- $1 a tenant's name, $2 the same as an id, NULL where it is none. An id wins over a name that looks like one.
SELECT tenant_id, name, pseudonym_key
  FROM observa_internal.tenants
 WHERE tenant_id = $2 OR name = $1
 ORDER BY coalesce(tenant_id = $2, false) DESC
 LIMIT 1
