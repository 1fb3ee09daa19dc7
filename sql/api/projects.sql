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

REVOKE ALL ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean) TO observa_admin;
