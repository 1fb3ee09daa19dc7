-- $1: the key that ends, $5 from now, or when it would have. No row: it counts no more. $2 id, $3 prefix and $4 hash of the one that takes its place.
WITH old AS (
    UPDATE observa_internal.api_keys k
       SET expires_at = least(k.expires_at, pg_catalog.now() + $5)
     WHERE k.key_id = $1 AND k.revoked_at IS NULL AND coalesce(k.expires_at > pg_catalog.now(), true)
    RETURNING k.*
)
INSERT INTO observa_internal.api_keys (tenant_id, key_id, project_id, kind, prefix, hash, scopes, origins, expires_at, name)
SELECT o.tenant_id, $2, o.project_id, o.kind, $3, $4, o.scopes, o.origins, k.expires_at, o.name
  FROM old o JOIN observa_internal.api_keys k ON k.key_id = o.key_id
