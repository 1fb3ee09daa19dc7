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

CREATE FUNCTION observa_internal.make_matviews() RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'make_matviews_wrapper';
ALTER FUNCTION observa_internal.make_matviews() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.make_matviews() IS 'Makes the materialized views over all tenants'' sums, for setup()';

CREATE FUNCTION observa_internal.refresh_matviews() RETURNS void
    LANGUAGE c VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'refresh_matviews_wrapper';
ALTER FUNCTION observa_internal.refresh_matviews() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.refresh_matviews() IS 'Refreshes the materialized views over all tenants'' sums, for maintenance';

CREATE FUNCTION observa_internal.tenants_to_fold() RETURNS TABLE (tenant_id uuid, oldest timestamptz)
    LANGUAGE c STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tenants_to_fold_wrapper';
ALTER FUNCTION observa_internal.tenants_to_fold() OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenants_to_fold() IS 'Tenants with unfolded deltas, and since when, for maintenance';

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
                   description text, enabled boolean, metric text, filter jsonb, group_by text[], window_minutes integer, direction text,
                   warn_threshold double precision, min_samples bigint, no_data text, for_minutes integer,
                   recover_threshold double precision, renotify_minutes integer, resolve_minutes integer, baseline text,
                   floor double precision)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 52 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'default_rules_wrapper';
COMMENT ON FUNCTION observa_internal.default_rules() IS 'The built-in detection rules; from metric on NULL: a rule about each event';

CREATE FUNCTION observa_internal.unit_of_metric(metric text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unit_of_metric_wrapper';
COMMENT ON FUNCTION observa_internal.unit_of_metric(text) IS 'What a metric of a rule over windows is counted in; NULL: there is no such metric';

CREATE FUNCTION observa_internal.tenants_to_detect(since date) RETURNS SETOF uuid
    LANGUAGE c STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'tenants_to_detect_wrapper';
ALTER FUNCTION observa_internal.tenants_to_detect(date) OWNER TO observa_system;
COMMENT ON FUNCTION observa_internal.tenants_to_detect(date) IS 'Tenants whose rules over windows have something to evaluate, for maintenance';

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

CREATE FUNCTION observa_internal.passages_in(prompt text, answer text, retrieved text[])
    RETURNS TABLE (retrieval integer, place integer, share double precision, is_used boolean)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 10 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'passages_in_wrapper';
COMMENT ON FUNCTION observa_internal.passages_in(text, text, text[]) IS 'The passages of retrievals that stand in a prompt, and whether the answer has words of them

retrieval is the output in retrieved, oldest first, place that of the passage in it, both from 1 on; share is that of the prompt''s characters, from 0 to 1;
is_used NULL: passage or answer have too few words for that to be told.';

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

CREATE FUNCTION observa_internal.unfolded_metrics(resolution text) RETURNS TABLE (tenant_id uuid, bucket timestamptz, series_id uuid, project_id uuid,
        environment text, event_type text, status text, provider text, model text, route text, tool_name text, version text,
        events bigint, errors bigint, timeouts bigint, billable bigint, priced bigint, input_tokens bigint, output_tokens bigint,
        cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, total_tokens bigint, cost_usd numeric,
        score_sums double precision[], score_counts bigint[], latency bytea, ttft bytea, removed_latency bytea, removed_ttft bytea)
    LANGUAGE c STABLE STRICT ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_metrics_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_metrics(text) IS 'What maintenance has not folded into metrics yet, of those that the caller may read; scores are of coherence, toxicity, hallucination risk';

CREATE FUNCTION observa_internal.unfolded_totals(resolution text) RETURNS TABLE (tenant_id uuid, bucket timestamptz, project_id uuid, environment text,
        event_type text, events bigint, errors bigint, timeouts bigint, billable bigint, priced bigint, input_tokens bigint,
        output_tokens bigint, cached_input_tokens bigint, cache_write_tokens bigint, reasoning_tokens bigint, total_tokens bigint,
        cost_usd numeric, coherence_sum double precision, coherence_count bigint, toxicity_sum double precision,
        toxicity_count bigint, hallucination_risk_sum double precision, hallucination_risk_count bigint, latency bytea, ttft bytea,
        removed_latency bytea, removed_ttft bytea, users bytea)
    LANGUAGE c STABLE STRICT ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_totals_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_totals(text) IS 'What maintenance has not folded into metric_totals yet, of those that the caller may read';

CREATE FUNCTION observa_internal.unfolded_users() RETURNS TABLE (tenant_id uuid, bucket timestamptz, project_id uuid, environment text, user_id text,
        events bigint, errors bigint, timeouts bigint, billable bigint, priced bigint, total_tokens bigint, cost_usd numeric)
    LANGUAGE c STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_users_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_users() IS 'What maintenance has not folded into user_metrics yet, of those that the caller may read';

CREATE FUNCTION observa_internal.unfolded_tags() RETURNS TABLE (tenant_id uuid, bucket timestamptz, project_id uuid, environment text, tag text,
        value text, events bigint, errors bigint, timeouts bigint, billable bigint, priced bigint, total_tokens bigint, cost_usd numeric,
        users bytea)
    LANGUAGE c STABLE ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_tags_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_tags() IS 'What maintenance has not folded into tag_metrics yet, of those that the caller may read';

CREATE FUNCTION observa_internal.unfolded_activities(actor text) RETURNS TABLE (tenant_id uuid, id text, project_id uuid,
        first_seen timestamptz, last_seen timestamptz, events bigint, messages bigint, tokens bigint, priced bigint, cost_usd numeric,
        issues bigint, user_id text, session_id text, lost_user_ids text[], lost_session_ids text[])
    LANGUAGE c STABLE STRICT ROWS 100 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_activities_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_activities(text) IS 'What maintenance has not folded into activities yet, of those that the caller may read';

CREATE FUNCTION observa_internal.unfolded_traces() RETURNS TABLE (tenant_id uuid, trace_ids text[], since timestamptz, until timestamptz)
    LANGUAGE c STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'unfolded_traces_wrapper';
COMMENT ON FUNCTION observa_internal.unfolded_traces() IS 'Traces that maintenance has not computed anew yet, of those that the caller may read';

CREATE FUNCTION observa_internal.correct_rollups() RETURNS trigger
    LANGUAGE c SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'correct_rollups_wrapper';
COMMENT ON FUNCTION observa_internal.correct_rollups() IS 'Counts changed events anew';

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

CREATE FUNCTION observa_internal.spending(tenant uuid, project uuid, model text, user_id text, tag text, value text, since timestamptz,
        until timestamptz) RETURNS numeric
    LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'spending_wrapper';
COMMENT ON FUNCTION observa_internal.spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) IS 'USD of a budget''s kind; NULL: the caller may not read metrics';

CREATE FUNCTION observa_internal.edit_budget() RETURNS trigger
    LANGUAGE c SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'edit_budget_wrapper';
ALTER FUNCTION observa_internal.edit_budget() OWNER TO observa_owner;
COMMENT ON FUNCTION observa_internal.edit_budget() IS 'Adds, changes or removes a budget of the tenant';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA observa_internal FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA observa_internal TO observa_owner;
-- What the materialized views and the views over them are made of.
GRANT EXECUTE ON FUNCTION observa_internal.histogram_of(bytea), observa.merge(observa.histogram),
    observa.quantile(observa.histogram, double precision), observa.readable_tenant() TO observa_system;
GRANT EXECUTE ON FUNCTION observa_internal.backlog() TO observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa_internal.measurements() TO observa_read;
-- The views of observa are security_invoker: their readers run these.
GRANT EXECUTE ON FUNCTION observa_internal.spending(uuid, uuid, text, text, text, text, timestamptz, timestamptz) TO observa_read, observa_admin;
GRANT EXECUTE ON FUNCTION observa_internal.default_rules(), observa_internal.unit_of_metric(text), observa_internal.default_evaluators(), observa_internal.builtin_prices(),
    observa_internal.last_message(text, text), observa_internal.scrub_json(text), observa_internal.number(text),
    observa_internal.whole_number(text), observa_internal.own_tenant(),
    observa_internal.cost_breakdown(text, jsonb, text, timestamptz) TO observa_ingest, observa_read, observa_admin, observa_owner;
GRANT EXECUTE ON FUNCTION observa_internal.dashboard(text, uuid, timestamptz, timestamptz, text, text, text[], integer),
    observa_internal.time_series(text, uuid, timestamptz, timestamptz, text, text, text),
    observa_internal.dashboard_rows(jsonb, text), observa_internal.dashboard_part(jsonb, text[]),
    observa_internal.export_format(text), observa_internal.export_limit(integer, timestamptz, timestamptz), observa_internal.csv_cell(text), observa_internal.add_line(internal, observa.export_lines),
    observa_internal.lines_csv(internal), observa_internal.lines_ndjson(internal), observa_internal.trace(text), observa_internal.issue_of(uuid, text, text, text, jsonb),
    observa_internal.issues_summary(uuid, timestamptz, timestamptz), observa_internal.unfolded_metrics(text), observa_internal.unfolded_totals(text),
    observa_internal.unfolded_users(), observa_internal.unfolded_tags(), observa_internal.unfolded_activities(text), observa_internal.unfolded_traces(), observa_internal.add_histograms(observa.histogram, observa.histogram),
    observa_internal.passages_in(text, text, text[]), observa_internal.subtract_histograms(observa.histogram, observa.histogram),
    observa_internal.add_distinct(observa.distinct_values, observa.distinct_values), observa_internal.similarity(real[], real[]) TO observa_read;
