-- Who may act for a tenant: API keys, logins of the database, members who come with claims.
CREATE TABLE IF NOT EXISTS observa_internal.api_keys (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    key_id uuid PRIMARY KEY,
    project_id uuid NOT NULL,
    name text CHECK (length(name) <= 200),
    kind text NOT NULL CHECK (kind IN ('sk', 'pk')),
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    scopes text[] NOT NULL CHECK (scopes <@ '{ingest,query}' AND scopes <> '{}' AND cardinality(scopes) <= 2),
    origins text[] NOT NULL DEFAULT '{}' CHECK (cardinality(origins) <= 100),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    FOREIGN KEY (tenant_id, project_id) REFERENCES observa_internal.projects ON DELETE CASCADE
);
COMMENT ON TABLE observa_internal.api_keys IS 'Keys of projects, by their SHA-256: a key itself is nowhere';
COMMENT ON COLUMN observa_internal.api_keys.prefix IS 'The first 8 characters, to tell keys apart by';
COMMENT ON COLUMN observa_internal.api_keys.origins IS 'Where a public key may be used from; empty: anywhere';

CREATE TABLE IF NOT EXISTS observa_internal.logins (
    login text PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    granted_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE observa_internal.logins IS 'Logins of the database, and the one tenant each acts for';
COMMENT ON COLUMN observa_internal.logins.login IS 'A role''s name; a dump keeps it where role ids change';

CREATE TABLE IF NOT EXISTS observa_internal.members (
    tenant_id uuid NOT NULL REFERENCES observa_internal.tenants ON DELETE CASCADE,
    subject text NOT NULL CHECK (length(subject) BETWEEN 1 AND 512),
    role text NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, subject)
);
COMMENT ON TABLE observa_internal.members IS 'People of a tenant, by the subject of their JWTs';

-- When a key was used last changes nothing of what it may do: each round of maintenance would make every cache stale.
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR DELETE OR TRUNCATE
    OR UPDATE OF tenant_id, key_id, project_id, kind, hash, scopes, origins, expires_at, revoked_at ON observa_internal.api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.logins
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON observa_internal.members
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
