-- $1: the hash of a key. The key, unless it is revoked; its last column is when it ends.
SELECT k.key_id, k.tenant_id, k.project_id, k.kind = 'pk', k.scopes, k.origins, k.expires_at
  FROM observa_internal.api_keys k
 WHERE k.hash = $1 AND k.revoked_at IS NULL
