-- $1 id, $2 project, $3 kind, $4 prefix, $5 hash, $6 scopes, $7 origins, $8 expiry, $9 name.
INSERT INTO observa_internal.api_keys (tenant_id, key_id, project_id, kind, prefix, hash, scopes, origins, expires_at, name)
VALUES (observa.current_tenant(), $1, $2, $3, $4, $5, $6, $7, $8, $9)
