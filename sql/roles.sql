-- Roles belong to the cluster, never to an extension: they are made where they are missing, and checked where they are not.
DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['observa_owner', 'observa_system', 'observa_ingest', 'observa_read', 'observa_admin'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        ELSIF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted AND (rolsuper OR rolcanlogin)) THEN
            RAISE EXCEPTION 'role % exists and can log in or is a superuser: Observa needs it as NOLOGIN NOSUPERUSER', wanted;
        END IF;
    END LOOP;
END
$roles$;

ALTER ROLE observa_system BYPASSRLS;

COMMENT ON ROLE observa_owner IS 'Owns Observa''s tables and the functions that write them; bound by row-level security';
COMMENT ON ROLE observa_system IS 'Owns the few Observa functions that must see every tenant: identity and administration';
COMMENT ON ROLE observa_ingest IS 'May send events with observa.ingest';
COMMENT ON ROLE observa_read IS 'May read Observa''s views, the rows of its own tenant';
COMMENT ON ROLE observa_admin IS 'May create tenants and projects';
