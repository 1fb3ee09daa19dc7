-- People who sign in with a password. They are of no tenant by themselves: members says of which, and with what role.
CREATE TABLE IF NOT EXISTS observa_internal.accounts (
    account_id uuid PRIMARY KEY,
    email text NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 254),
    password_hash text NOT NULL,
    full_name text CHECK (length(full_name) <= 200),
    avatar_url text CHECK (length(avatar_url) <= 2000),
    company text CHECK (length(company) <= 200),
    preferences jsonb NOT NULL DEFAULT '{}' CHECK (octet_length(preferences::text) <= 20000),
    failures integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE observa_internal.accounts IS 'People who sign in with a password';
COMMENT ON COLUMN observa_internal.accounts.email IS 'In lower case';
COMMENT ON COLUMN observa_internal.accounts.password_hash IS 'Argon2id, with its salt and parameters (PHC string)';
COMMENT ON COLUMN observa_internal.accounts.failures IS 'Attempts to sign in since the last right password';

CREATE TABLE IF NOT EXISTS observa_internal.sessions (
    session_hash bytea PRIMARY KEY,
    account_id uuid NOT NULL REFERENCES observa_internal.accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE observa_internal.sessions IS 'Sign-ins that count, by the SHA-256 of their JWT''s jti';
CREATE INDEX IF NOT EXISTS sessions_account ON observa_internal.sessions (account_id);
COMMENT ON INDEX observa_internal.sessions_account IS 'The sessions of an account that is deleted';

ALTER TABLE observa_internal.accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.sessions FORCE ROW LEVEL SECURITY;
-- Passwords and sessions are for the functions of observa_system alone, which no policy binds.
DROP POLICY IF EXISTS nobody ON observa_internal.sessions;
CREATE POLICY nobody ON observa_internal.sessions USING (false);
-- Maintenance takes away what counts no more.
DROP POLICY IF EXISTS outlived ON observa_internal.sessions;
CREATE POLICY outlived ON observa_internal.sessions FOR DELETE TO observa_owner USING (expires_at < pg_catalog.now());
DROP POLICY IF EXISTS own_account ON observa_internal.accounts;
CREATE POLICY own_account ON observa_internal.accounts FOR SELECT TO observa_read
    USING (account_id = observa_internal.own_account());
GRANT SELECT, INSERT, UPDATE, DELETE ON observa_internal.accounts, observa_internal.sessions TO observa_system;
GRANT INSERT ON observa_internal.members, observa_internal.tenants, observa_internal.projects TO observa_system;
GRANT DELETE ON observa_internal.members TO observa_system;
GRANT SELECT (account_id, full_name, avatar_url, company, preferences) ON observa_internal.accounts TO observa_read;

-- A revoke is news for every backend; a new session is unknown to all, and looked up. That an expired one is gone is no news:
-- each round of maintenance would make every cache stale.
CREATE OR REPLACE TRIGGER config_changed AFTER UPDATE OR TRUNCATE ON observa_internal.sessions
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER session_deleted AFTER DELETE ON observa_internal.sessions
    FOR EACH ROW WHEN (OLD.expires_at >= pg_catalog.now()) EXECUTE FUNCTION observa_internal.config_changed();
CREATE OR REPLACE TRIGGER forget_memberships AFTER DELETE ON observa_internal.accounts
    FOR EACH ROW EXECUTE FUNCTION observa_internal.forget_memberships();
