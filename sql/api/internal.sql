CREATE FUNCTION observa_internal.find_tenant(tenant text)
    RETURNS TABLE (tenant_id uuid, name text, pseudonym_key bytea)
    LANGUAGE c STABLE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_wrapper';
ALTER FUNCTION observa_internal.find_tenant(text) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.find_tenant(text) IS 'The tenant of an id or a name, for ingest alone';

CREATE FUNCTION observa_internal.all_tenants() RETURNS SETOF uuid
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'all_tenants_wrapper';
ALTER FUNCTION observa_internal.all_tenants() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.all_tenants() IS 'Every tenant, for a superuser''s replay of dead letters';

CREATE FUNCTION observa_internal.retention_of_projects() RETURNS TABLE (tenant_id uuid, project_id uuid, retention_days integer,
        payload_retention_days integer, done_on integer, days integer, payload_days integer)
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'retention_of_projects_wrapper';
ALTER FUNCTION observa_internal.retention_of_projects() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.retention_of_projects() IS 'What each project keeps, and what its last pass has let go, for maintenance';

CREATE FUNCTION observa_internal.tenant_of_project(project uuid) RETURNS uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_of_project_wrapper';
ALTER FUNCTION observa_internal.tenant_of_project(uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenant_of_project(uuid) IS 'Whose a project is; NULL: there is no such project';

CREATE FUNCTION observa_internal.own_tenant() RETURNS uuid
    LANGUAGE c STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'own_tenant_wrapper';
ALTER FUNCTION observa_internal.own_tenant() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.own_tenant() IS 'The tenant that this transaction acts for, for a superuser else the default one; NULL: nobody''s';

CREATE FUNCTION observa_internal.tenant_of_alert(alert uuid) RETURNS uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'find_tenant_of_alert_wrapper';
ALTER FUNCTION observa_internal.tenant_of_alert(uuid) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenant_of_alert(uuid) IS 'Whose an alert is; NULL: there is no such alert';

CREATE FUNCTION observa_internal.default_rules()
    RETURNS TABLE (name text, type text, severity text, threshold double precision, unit text, event_types text[],
                   description text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 22 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'default_rules_wrapper';
COMMENT ON FUNCTION observa_internal.default_rules() IS 'The built-in detection rules';

CREATE FUNCTION observa_internal.builtin_prices()
    RETURNS TABLE (id text, provider text, model text, maps_to text, rates jsonb, context_window bigint,
                   valid_from timestamptz, valid_to timestamptz, source text, hours_utc text, weekdays smallint[])
    LANGUAGE c STABLE PARALLEL SAFE ROWS 6000 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'builtin_prices_wrapper';
COMMENT ON FUNCTION observa_internal.builtin_prices() IS 'The built-in price book; none where observa.builtin_prices is off';

CREATE FUNCTION observa_internal.last_message(content text, role text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'last_message_wrapper';
COMMENT ON FUNCTION observa_internal.last_message(text, text) IS 'The last message of a role in a prompt or an answer; text that is no list of messages is one';

CREATE FUNCTION observa_internal.number(text) RETURNS double precision
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'number_wrapper';
COMMENT ON FUNCTION observa_internal.number(text) IS 'The number that a text is; NULL: it is none, or beyond the range';

CREATE FUNCTION observa_internal.whole_number(text) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'whole_number_wrapper';
COMMENT ON FUNCTION observa_internal.whole_number(text) IS 'The whole number that a text is, rounded; NULL: it is none, or beyond the range';

CREATE FUNCTION observa_internal.try_lock(key bigint, shared boolean) RETURNS boolean
    LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'try_lock_wrapper';
COMMENT ON FUNCTION observa_internal.try_lock(bigint, boolean) IS 'A lock to the transaction''s end, if it is free: as pg_try_advisory_xact_lock, and no client''s to take';

CREATE FUNCTION observa_internal.config_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'config_changed_wrapper';
COMMENT ON FUNCTION observa_internal.config_changed() IS 'Tells every backend to read a tenant''s configuration again';

CREATE FUNCTION observa_internal.raise_alerts() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'raise_alerts_wrapper';
ALTER FUNCTION observa_internal.raise_alerts() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.raise_alerts() IS 'Raises an alert for each rule and group of the inserted signals that has none open';

CREATE FUNCTION observa_internal.insert_llm_request() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'insert_llm_request_wrapper';
ALTER FUNCTION observa_internal.insert_llm_request() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.insert_llm_request() IS 'Sends a row of llm_requests the way of observa.ingest';

CREATE FUNCTION observa_internal.insert_log() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'insert_log_wrapper';
ALTER FUNCTION observa_internal.insert_log() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.insert_log() IS 'Scrubs and stores a row of observa.logs';

CREATE FUNCTION observa_internal.refuse_edit() RETURNS trigger
    LANGUAGE c SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'refuse_edit_wrapper';
COMMENT ON FUNCTION observa_internal.refuse_edit() IS 'Refuses an edit of a view that only shows (0A000)';

CREATE FUNCTION observa_internal.edit_detection_rule() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'edit_detection_rule_wrapper';
ALTER FUNCTION observa_internal.edit_detection_rule() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.edit_detection_rule() IS 'Keeps a tenant''s exception to a built-in rule, or takes it away';

CREATE FUNCTION observa_internal.edit_model_price() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'edit_model_price_wrapper';
ALTER FUNCTION observa_internal.edit_model_price() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.edit_model_price() IS 'Adds, changes or removes a price beside the built-in ones';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA observa_internal FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA observa_internal TO observa_owner;
-- The views of observa are security_invoker: their readers run these.
GRANT EXECUTE ON FUNCTION observa_internal.default_rules(), observa_internal.builtin_prices(),
    observa_internal.last_message(text, text), observa_internal.scrub_json(text), observa_internal.number(text),
    observa_internal.whole_number(text), observa_internal.own_tenant(),
    observa_internal.cost_breakdown(text, jsonb, text, timestamptz) TO observa_ingest, observa_read, observa_admin, observa_owner;
GRANT EXECUTE ON FUNCTION observa_internal.trace(text) TO observa_read;
