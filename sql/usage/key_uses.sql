-- $1 keys of the acting tenant, $2 when each was used last.
UPDATE observa_internal.api_keys k
   SET last_used_at = used.at
  FROM ROWS FROM (pg_catalog.unnest($1::uuid[]), pg_catalog.unnest($2::timestamptz[])) AS used (key_id, at)
 WHERE k.key_id = used.key_id AND k.tenant_id = observa.current_tenant()
   AND (k.last_used_at IS NULL OR k.last_used_at < used.at)
