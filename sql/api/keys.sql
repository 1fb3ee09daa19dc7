CREATE FUNCTION observa.authenticate(key text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'authenticate_wrapper';
ALTER FUNCTION observa.authenticate(text) OWNER TO observa_system;
COMMENT ON FUNCTION observa.authenticate(text) IS 'Acts for an API key to the end of the transaction, or of the savepoint

Returns {tenant_id, project_id, scopes}. An unknown, expired or revoked key is an error (28P01), a scope that is missing later
another one (42501).';

CREATE FUNCTION observa.create_api_key(project uuid, kind text, scopes text[] DEFAULT '{ingest}', origins text[] DEFAULT '{}',
    expires_at timestamptz DEFAULT NULL, name text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_api_key_wrapper';
ALTER FUNCTION observa.create_api_key(uuid, text, text[], text[], timestamptz, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.create_api_key(uuid, text, text[], text[], timestamptz, text) IS 'Makes an API key of a project; returns the key, shown this once

kind is sk (secret, for servers) or pk (public, for browsers, which can''t read). scopes are of ingest and query. origins say where
a public key may be used from: https://app.example.com, https://*.example.com, null; none: anywhere. A superuser, or who
administers the tenant.';

CREATE FUNCTION observa.revoke_api_key(key_id uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'revoke_api_key_wrapper';
ALTER FUNCTION observa.revoke_api_key(uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.revoke_api_key(uuid) IS 'Ends an API key at once, for every transaction that begins after the commit';

CREATE FUNCTION observa.rotate_api_key(key_id uuid, overlap interval DEFAULT '0') RETURNS text
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'rotate_api_key_wrapper';
ALTER FUNCTION observa.rotate_api_key(uuid, interval) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.rotate_api_key(uuid, interval) IS 'Makes a key that takes another one''s place; returns it, shown this once

The old one counts for overlap from now.';

CREATE FUNCTION observa.grant_tenant(login name, tenant uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'grant_tenant_wrapper';
ALTER FUNCTION observa.grant_tenant(name, uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa.grant_tenant(name, uuid) IS 'A login of the database acts for a tenant from now on, instead of the one before

For superusers. What the login may do is said by GRANT observa_read, observa_ingest, observa_admin TO login.';

CREATE FUNCTION observa.revoke_tenant(login name, tenant uuid) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'revoke_tenant_wrapper';
ALTER FUNCTION observa.revoke_tenant(name, uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa.revoke_tenant(name, uuid) IS 'A login of the database acts for a tenant no more; for superusers';

CREATE FUNCTION observa.add_member(tenant uuid, subject text, role text) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'add_member_wrapper';
ALTER FUNCTION observa.add_member(uuid, text, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.add_member(uuid, text, text) IS 'A person whose JWTs have this subject (sub) is a member of a tenant, with a role: owner, admin, member or viewer

owner and admin also administer the tenant, a viewer only reads. Claims count where a login of observa.trusted_logins passes them on,
and name the tenant in app_metadata.tenant_id. A superuser, or who administers the tenant; owners are made by owners and superusers.';

CREATE FUNCTION observa.remove_member(tenant uuid, subject text) RETURNS void
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'remove_member_wrapper';
ALTER FUNCTION observa.remove_member(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.remove_member(uuid, text) IS 'A person is a member of a tenant no more, from the next transaction on

Owners are removed by owners and superusers, the last one by superusers alone.';

CREATE FUNCTION observa_internal.find_identity() RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_identity_wrapper';
ALTER FUNCTION observa_internal.find_identity() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.find_identity() IS 'Whom the session''s own login or claims act for, and the account that signed in';

CREATE FUNCTION observa_internal.tenant_of_api_key(key_id uuid) RETURNS uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_of_api_key_wrapper';
ALTER FUNCTION observa_internal.tenant_of_api_key(uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenant_of_api_key(uuid) IS 'Whose a key is; NULL: there is no such key';

CREATE FUNCTION observa_internal.check_request() RETURNS jsonb
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'check_request_wrapper';
ALTER FUNCTION observa_internal.check_request() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.check_request() IS 'Acts for who a request of PostgREST''s is of; else how to refuse it';

-- The one function in plpgsql: native code can't raise PostgREST's SQLSTATE.
CREATE FUNCTION observa.pre_request() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    refusal CONSTANT jsonb := observa_internal.check_request();
BEGIN
    IF refusal IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = refusal ->> 'sqlstate', MESSAGE = refusal ->> 'message',
            DETAIL = refusal ->> 'detail', HINT = refusal ->> 'hint';
    END IF;
END
$$;
COMMENT ON FUNCTION observa.pre_request() IS 'PostgREST''s db-pre-request: acts for the request''s API key

Reads the headers x-api-key and apikey. Refuses with 401 (no key, or one that does not count), 403 (scope, origin), 413, and 429
with Retry-After over a limit. Where one holds, X-RateLimit-Limit, -Remaining and -Reset of the answer tell how it stands.';

REVOKE ALL ON FUNCTION observa.authenticate(text), observa.create_api_key(uuid, text, text[], text[], timestamptz, text),
    observa.revoke_api_key(uuid), observa.rotate_api_key(uuid, interval), observa.grant_tenant(name, uuid),
    observa.revoke_tenant(name, uuid), observa.add_member(uuid, text, text), observa.remove_member(uuid, text),
    observa.pre_request(), observa_internal.find_identity(),
    observa_internal.tenant_of_api_key(uuid), observa_internal.check_request() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.authenticate(text), observa.pre_request(), observa_internal.check_request(),
    observa_internal.find_identity() TO observa_ingest, observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa_internal.find_identity(), observa_internal.tenant_of_api_key(uuid) TO observa_owner;
GRANT EXECUTE ON FUNCTION observa_internal.find_identity() TO observa_system;
GRANT EXECUTE ON FUNCTION observa.create_api_key(uuid, text, text[], text[], timestamptz, text),
    observa.revoke_api_key(uuid), observa.rotate_api_key(uuid, interval), observa.add_member(uuid, text, text),
    observa.remove_member(uuid, text) TO observa_admin;
