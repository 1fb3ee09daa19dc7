-- Roles belong to the cluster, never to an extension: they are made where they are missing, and checked where they are not.
DO $roles$
DECLARE
    about CONSTANT jsonb := '{
        "observa_owner": "Owns Observa''s tables and the functions that write them; bound by row-level security",
        "observa_system": "Owns the few Observa functions that must see every tenant: identity and administration",
        "observa_ingest": "May send events with observa.ingest",
        "observa_read": "May read Observa''s views, the rows of its own tenant",
        "observa_admin": "May create tenants and projects"}';
    wanted text;
BEGIN
    IF (SELECT count(*) FROM pg_catalog.pg_roles WHERE about ? rolname) < 5 THEN
        -- Another database of the cluster may be getting the extension at this moment.
        LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    FOR wanted IN SELECT pg_catalog.jsonb_object_keys(about) LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
            EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', wanted, about ->> wanted);
        ELSIF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted AND (rolsuper OR rolcanlogin)) THEN
            RAISE EXCEPTION 'role % exists and can log in or is a superuser: Observa needs it as NOLOGIN NOSUPERUSER', wanted;
        END IF;
    END LOOP;
    -- Whoever made them before could have kept a door open.
    IF EXISTS (SELECT FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
                JOIN pg_catalog.pg_roles member ON member.oid = m.member
               WHERE r.rolname IN ('observa_owner', 'observa_system') AND NOT member.rolsuper) THEN
        RAISE EXCEPTION 'observa_owner or observa_system has members: nobody may be what sees every tenant'
            USING HINT = 'REVOKE observa_owner, observa_system FROM ...';
    END IF;
    IF NOT (SELECT rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = 'observa_system') THEN
        ALTER ROLE observa_system BYPASSRLS;
    END IF;
END
$roles$;
