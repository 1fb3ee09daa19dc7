CREATE FUNCTION observa.scrub_emails(project uuid, enabled boolean) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_scrub_emails_wrapper';
ALTER FUNCTION observa.scrub_emails(uuid, boolean) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.scrub_emails(uuid, boolean) IS 'Whether e-mail addresses in a project''s events are replaced; NULL: as the setting observa.scrub_emails says';

CREATE FUNCTION observa.quality_scores(project uuid, enabled boolean) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_quality_scores_wrapper';
ALTER FUNCTION observa.quality_scores(uuid, boolean) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.quality_scores(uuid, boolean) IS 'Whether answers in a project''s events are scored where the client sends no scores; NULL: as the setting observa.quality_scores says';

CREATE FUNCTION observa.limit_project(project uuid, events_per_minute integer DEFAULT NULL, monthly_events bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'limit_project_wrapper';
ALTER FUNCTION observa.limit_project(uuid, integer, bigint) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.limit_project(uuid, integer, bigint) IS 'Sets what a project may send in a minute and store in a calendar month (UTC)

Both are set: what is not named is without a limit of the project''s own. events_per_minute NULL: as the setting observa.events_per_minute
says for all of the tenant''s projects together; 0: any number. monthly_events NULL: any number. For superusers. Limits need
shared_preload_libraries = ''observa''; without it this warns. docs/limits.md says what happens over them.';

REVOKE ALL ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean),
    observa.limit_project(uuid, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean) TO observa_admin;
