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

CREATE FUNCTION observa.set_retention(project uuid, days integer DEFAULT NULL, payload_days integer DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_retention_wrapper';
ALTER FUNCTION observa.set_retention(uuid, integer, integer) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.set_retention(uuid, integer, integer) IS 'Sets how many days a project keeps what it stores

days is for events, signals and ended alerts; payload_days for what was said: prompts, answers, attributes, error messages, logs and dead
letters, which are kept at most as long as the events. Both are set: NULL is as the settings observa.retention_days and
observa.payload_retention_days say, 0 is for ever. Whole days in UTC; maintenance deletes what is older, and usage and metrics keep
counting it. For who administers the tenant. Over 20,000 or negative: 22023.';

CREATE FUNCTION observa.set_metric_tags(project uuid, tags text[]) RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'set_metric_tags_wrapper';
ALTER FUNCTION observa.set_metric_tags(uuid, text[]) OWNER TO observa_owner;
COMMENT ON FUNCTION observa.set_metric_tags(uuid, text[]) IS 'Sets the tags that observa.metrics_tag_hour sums a project''s events up by

Of events that come from now on; NULL or {}: none. At most 10, each of 1 to 64 letters, digits and _ . : / -, else 22023. A tag is a
key of an event''s attributes, of their metadata or tags, or of a resource; of a list, each element is a value. For who administers the
tenant. docs/metrics.md says more.';

REVOKE ALL ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean),
    observa.set_retention(uuid, integer, integer), observa.set_metric_tags(uuid, text[]), observa.limit_project(uuid, integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa.scrub_emails(uuid, boolean), observa.quality_scores(uuid, boolean),
    observa.set_retention(uuid, integer, integer), observa.set_metric_tags(uuid, text[]) TO observa_admin;
