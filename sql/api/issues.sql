CREATE FUNCTION observa_internal.issue_of(project uuid, environment text, name text, subject text, details jsonb) RETURNS uuid
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'issue_of_wrapper';
COMMENT ON FUNCTION observa_internal.issue_of(uuid, text, text, text, jsonb) IS 'The issue that a signal of this name about this subject is of, by what its details say of an error';

CREATE FUNCTION observa_internal.issue_title(name text, said text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'issue_title_wrapper';
COMMENT ON FUNCTION observa_internal.issue_title(text, text) IS 'What an error says, without ids, numbers and quotes; where it says nothing, the name in words';

CREATE FUNCTION observa_internal.veiled(tenant uuid, person text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'veiled_wrapper';
COMMENT ON FUNCTION observa_internal.veiled(uuid, text) IS 'What of a person goes into a sketch: a number that only the tenant''s key makes; NULL: there is no such tenant';

CREATE FUNCTION observa_internal.tenants_with_issues() RETURNS SETOF uuid
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tenants_with_issues_wrapper';
ALTER FUNCTION observa_internal.tenants_with_issues() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenants_with_issues() IS 'Tenants with something that is not folded into issues yet, for maintenance';

CREATE FUNCTION observa_internal.tenant_of_issue(issue uuid) RETURNS uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_of_issue_wrapper';
ALTER FUNCTION observa_internal.tenant_of_issue(uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenant_of_issue(uuid) IS 'Whose an issue is; NULL: there is no such issue';

CREATE FUNCTION observa_internal.issues_summary(project uuid, since timestamptz, until timestamptz) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'issues_summary_wrapper';
COMMENT ON FUNCTION observa_internal.issues_summary(uuid, timestamptz, timestamptz) IS 'observa.issues_summary as JSON text';

CREATE FUNCTION observa.issues_summary(project uuid DEFAULT NULL, since timestamptz DEFAULT pg_catalog.now() - '1 day'::interval,
                                       until timestamptz DEFAULT pg_catalog.now()) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    RETURN observa_internal.issues_summary(project, since, until)::jsonb;
COMMENT ON FUNCTION observa.issues_summary(uuid, timestamptz, timestamptz) IS 'Issues that had a signal in a time: {issues, by_severity, by_state, by_name, new_count, regressed_count, new, regressed}

new are those that were first seen then, regressed those whose state is; 50 of each at most. A project of NULL is all that the caller may read.';
REVOKE ALL ON FUNCTION observa.issues_summary(uuid, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.issues_summary(uuid, timestamptz, timestamptz) TO observa_read;

CREATE FUNCTION observa.resolve_issue(id uuid, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'resolve_issue_wrapper';
ALTER FUNCTION observa.resolve_issue(uuid, text) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.resolve_issue(uuid, text) IS 'The cause is mended: a signal that is stored after that makes the issue regressed. One that is resolved is an error (02000)';

CREATE FUNCTION observa.ignore_issue(id uuid, until timestamptz DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'ignore_issue_wrapper';
ALTER FUNCTION observa.ignore_issue(uuid, timestamptz) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.ignore_issue(uuid, timestamptz) IS 'Nobody needs to look at the issue until then; NULL: until somebody reopens it. It is counted, and alerts are raised as before';

CREATE FUNCTION observa.reopen_issue(id uuid) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'reopen_issue_wrapper';
ALTER FUNCTION observa.reopen_issue(uuid) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.reopen_issue(uuid) IS 'Takes back what was decided about the issue. One that is open is an error (02000)';

REVOKE ALL ON FUNCTION observa.resolve_issue(uuid, text), observa.ignore_issue(uuid, timestamptz), observa.reopen_issue(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.resolve_issue(uuid, text), observa.ignore_issue(uuid, timestamptz), observa.reopen_issue(uuid) TO observa_admin;
