-- They read one setting and run no SQL, so no search_path is pinned: that would cost more than the call, once a row.
CREATE FUNCTION observa.current_tenant() RETURNS uuid
    LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'current_tenant_wrapper';
COMMENT ON FUNCTION observa.current_tenant() IS 'The tenant that this transaction writes for; NULL: nobody''s';

CREATE FUNCTION observa.readable_tenant() RETURNS uuid
    LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'readable_tenant_wrapper';
COMMENT ON FUNCTION observa.readable_tenant() IS 'The tenant whose rows this transaction may read; NULL: nobody''s';

CREATE FUNCTION observa.administered_tenant() RETURNS uuid
    LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'administered_tenant_wrapper';
COMMENT ON FUNCTION observa.administered_tenant() IS 'The tenant that this transaction may administer; NULL: nobody''s, as for every API key';

CREATE FUNCTION observa.current_project() RETURNS uuid
    LANGUAGE c STABLE LEAKPROOF PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'current_project_wrapper';
COMMENT ON FUNCTION observa.current_project() IS 'The project that this transaction writes to; NULL: the tenant''s default';

REVOKE ALL ON FUNCTION observa.current_tenant(), observa.readable_tenant(), observa.administered_tenant(),
    observa.current_project() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.current_tenant(), observa.readable_tenant(), observa.administered_tenant(),
    observa.current_project()
    TO observa_ingest, observa_read, observa_admin, observa_owner, observa_system;
