CREATE FUNCTION observa.setup() RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'setup_wrapper';
ALTER FUNCTION observa.setup() OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.setup() FROM PUBLIC;
COMMENT ON FUNCTION observa.setup() IS 'Creates the storage, or brings it up to date after an upgrade

Idempotent, for superusers. Makes tables, views, the tenant default with its project default, and the partitions of the
accepted window, of its past the last 45 days, and of seven days more; ingest makes older ones when an event needs them. On
storage that is in use it locks nothing where nothing changes. Otherwise it tries for five seconds to get its locks without
making an ingest wait for more than one; if a long transaction holds them, nothing has changed and that is an error (55P03).
What an older storage lacks of metrics (weeks, days of users) is made of those that it has, for as long as it takes. Call it alone, not inside of
a longer transaction; one of REPEATABLE READ or SERIALIZABLE is an error (25001) where there is something to do.';

CREATE FUNCTION observa.create_tenant(name text) RETURNS uuid
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_tenant_wrapper';
ALTER FUNCTION observa.create_tenant(text) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.create_tenant(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.create_tenant(text) TO observa_admin;
COMMENT ON FUNCTION observa.create_tenant(text) IS 'Creates a tenant with its project default; returns the tenant''s id

For superusers. A name that exists is an error (42710).';

CREATE FUNCTION observa.create_project(tenant uuid, name text, environment text DEFAULT 'prod') RETURNS uuid
    LANGUAGE c VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'create_project_wrapper';
ALTER FUNCTION observa.create_project(uuid, text, text) OWNER TO observa_owner;
REVOKE ALL ON FUNCTION observa.create_project(uuid, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.create_project(uuid, text, text) TO observa_admin;
COMMENT ON FUNCTION observa.create_project(uuid, text, text) IS 'Creates a project of a tenant; returns the project''s id

For superusers. environment is that of events that name none.';
