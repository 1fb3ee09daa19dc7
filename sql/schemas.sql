-- Not members of the extension: a dump makes them before it makes the extension, and dropping the extension must not
-- take the tables with it. So they may exist already, but only as a superuser's.
DO $schemas$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'observa_internal') THEN
        CREATE SCHEMA observa_internal;
        ALTER EXTENSION observa DROP SCHEMA observa_internal;
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles r ON r.oid = n.nspowner
               WHERE n.nspname IN ('observa', 'observa_internal') AND NOT r.rolsuper) THEN
        RAISE EXCEPTION 'schema observa or observa_internal exists and does not belong to a superuser';
    END IF;
END
$schemas$;

REVOKE ALL ON SCHEMA observa, observa_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA observa TO observa_ingest, observa_read, observa_admin;
-- The views of observa are security_invoker: their readers need the way to the tables.
GRANT USAGE ON SCHEMA observa_internal TO observa_read, observa_ingest, observa_admin;
GRANT USAGE, CREATE ON SCHEMA observa, observa_internal TO observa_owner;
GRANT USAGE, CREATE ON SCHEMA observa, observa_internal TO observa_system;

COMMENT ON SCHEMA observa IS 'Observa: LLM observability in PostgreSQL. Functions and views for clients; PostgREST exposes this schema';
COMMENT ON SCHEMA observa_internal IS 'Observa''s tables and helpers; never exposed';
