CREATE FUNCTION observa.signup(email text, password text, company text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'signup_wrapper';
ALTER FUNCTION observa.signup(text, text, text) OWNER TO observa_system;
COMMENT ON FUNCTION observa.signup(text, text, text) IS 'Makes an account, and a tenant named after the company which it owns; returns {token, expires_in, user}

Where observa.allow_signup is on, or for superusers. password has 10 to 512 characters. An address or a company that exists is an error
(42710).';

CREATE FUNCTION observa.login(email text, password text) RETURNS jsonb
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'login_wrapper';
ALTER FUNCTION observa.login(text, text) OWNER TO observa_system;
COMMENT ON FUNCTION observa.login(text, text) IS 'Signs in; returns {token, expires_in, user}, the token being a JWT that PostgREST takes

For requests that PostgREST passes on, whose login observa.trusted_logins names, and for superusers. A wrong password, an unknown
address and a locked account have the same answer, after the same time: 401 over HTTP, 28P01 in psql. Five wrong passwords in a row
lock an account for 15 minutes. expires_in is in seconds.';

CREATE FUNCTION observa.logout() RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'logout_wrapper';
ALTER FUNCTION observa.logout() OWNER TO observa_system;
COMMENT ON FUNCTION observa.logout() IS 'Ends the session of the request''s JWT: it counts no more, from the next transaction on. One that has ended, or is another issuer''s, stays as it is';

CREATE FUNCTION observa.me() RETURNS jsonb
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'me_wrapper';
ALTER FUNCTION observa.me() OWNER TO observa_system;
COMMENT ON FUNCTION observa.me() IS 'Who is signed in: {id, email, full_name, avatar_url, company, preferences, tenant_id, tenant, role}; NULL: nobody, or an API key';

CREATE FUNCTION observa_internal.own_account() RETURNS uuid
    LANGUAGE c STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'own_account_wrapper';
COMMENT ON FUNCTION observa_internal.own_account() IS 'The account of the request''s JWT; NULL: none';

CREATE FUNCTION observa_internal.edit_profile() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'edit_profile_wrapper';
ALTER FUNCTION observa_internal.edit_profile() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.edit_profile() IS 'Scrubs what a person says of themselves, and keeps it';

CREATE FUNCTION observa_internal.forget_memberships() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'forget_memberships_wrapper';
ALTER FUNCTION observa_internal.forget_memberships() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.forget_memberships() IS 'Takes away the memberships of an account that is deleted';

REVOKE ALL ON FUNCTION observa_internal.edit_profile(), observa_internal.forget_memberships() FROM PUBLIC;
REVOKE ALL ON FUNCTION observa.signup(text, text, text), observa.login(text, text), observa.logout(), observa.me(),
    observa_internal.own_account() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.signup(text, text, text), observa.login(text, text), observa.logout(), observa.me(),
    observa_internal.own_account() TO observa_ingest, observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa_internal.own_account() TO observa_owner, observa_system;
