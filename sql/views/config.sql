CREATE OR REPLACE VIEW observa.projects WITH (security_invoker = true) AS
SELECT project_id AS id, tenant_id, name, environment, scrub_emails, created_at, quality_scores, events_per_minute,
       monthly_events, retention_days, payload_retention_days, judge_sample_rate, judge_budget_usd, metric_tags, stopped_until
  FROM observa_internal.projects;
COMMENT ON VIEW observa.projects IS 'Projects: the applications whose events are kept apart';
COMMENT ON COLUMN observa.projects.events_per_minute IS 'Of the project alone, 0: any number; NULL: as observa.events_per_minute says for the tenant''s projects together';
COMMENT ON COLUMN observa.projects.monthly_events IS 'Its quota of a calendar month in UTC; NULL: any number';
COMMENT ON COLUMN observa.projects.retention_days IS 'Days that events, signals and ended alerts are kept, 0: for ever; NULL: as the setting observa.retention_days says';
COMMENT ON COLUMN observa.projects.payload_retention_days IS 'Days that prompts, answers, attributes, logs and dead letters are kept, at most as long as events, 0: as long; NULL: as the setting observa.payload_retention_days says';
COMMENT ON COLUMN observa.projects.stopped_until IS 'Nothing is stored before, as a budget that stops is exceeded (observa.budgets.hard_stop); NULL or past: nothing stops it';
COMMENT ON COLUMN observa.projects.metric_tags IS 'Tags that observa.metrics_tag_hour has sums by, of events that came since they were set; NULL: none';

COMMENT ON COLUMN observa.projects.judge_sample_rate IS 'Share of its traces, 0 to 1, that judges are shown without a signal; NULL: as the setting observa.judge_sample_rate says';
COMMENT ON COLUMN observa.projects.judge_budget_usd IS 'USD that judges and embeddings may cost in a day (UTC); NULL: as the setting observa.judge_budget_usd says';

CREATE OR REPLACE VIEW observa.api_keys WITH (security_invoker = true) AS
SELECT key_id AS id, project_id, name, kind, prefix, scopes, origins, created_at, expires_at, revoked_at, last_used_at,
       tenant_id
  FROM observa_internal.api_keys;
COMMENT ON VIEW observa.api_keys IS 'API keys, without the keys themselves

observa.create_api_key makes one and shows it once; observa.revoke_api_key and observa.rotate_api_key end it.';
COMMENT ON COLUMN observa.api_keys.prefix IS 'The first 8 characters of the key';
COMMENT ON COLUMN observa.api_keys.origins IS 'Origins that a public key may be used from; empty: any';
COMMENT ON COLUMN observa.api_keys.expires_at IS 'NULL: never';
COMMENT ON COLUMN observa.api_keys.last_used_at IS 'NULL: not yet, as far as maintenance has been told';

CREATE OR REPLACE VIEW observa.audit_log WITH (security_invoker = true) AS
SELECT audit_id AS id, at, actor, action, resource, address, user_agent, request_id, tenant_id
  FROM observa_internal.audit_log;
COMMENT ON VIEW observa.audit_log IS 'Administrative acts: who did what, and when

For who administers the tenant. Rows are written with the act, never changed, and kept for observa.audit_retention.';
COMMENT ON COLUMN observa.audit_log.actor IS 'member <subject of the JWT, or account>, login <login of the database>, or key <API key>; an e-mail address is a pseudonym';
COMMENT ON COLUMN observa.audit_log.address IS 'As the proxy in front of PostgREST said (observa.client_address_header), else the connection''s; NULL: a local socket';
COMMENT ON COLUMN observa.audit_log.user_agent IS 'NULL: no request over HTTP';

-- A row for each exception, of a project or of the whole tenant, each rule of a tenant's own, and the built-in row where the own tenant
-- has none for the whole of it. A superuser's own tenant is the default one, and the other tenants' exceptions stand beside.
CREATE OR REPLACE VIEW observa.detection_rules WITH (security_invoker = true) AS
SELECT d.name, d.type, coalesce(o.severity, d.severity) AS severity, coalesce(o.threshold, d.threshold) AS threshold,
       d.unit, d.event_types, o.enabled, o.project_id, o.tenant_id, d.description, o.changed_at, d.metric, d.filter, d.group_by,
       coalesce(o.window_minutes, d.window_minutes) AS window_minutes, d.direction, coalesce(o.warn_threshold, d.warn_threshold) AS warn_threshold,
       coalesce(o.min_samples, d.min_samples) AS min_samples, coalesce(o.no_data, d.no_data) AS no_data,
       coalesce(o.for_minutes, d.for_minutes) AS for_minutes, coalesce(o.recover_threshold, d.recover_threshold) AS recover_threshold,
       coalesce(o.renotify_minutes, d.renotify_minutes) AS renotify_minutes, coalesce(o.resolve_minutes, d.resolve_minutes) AS resolve_minutes,
       d.baseline, coalesce(o.floor, d.floor) AS floor, NULL::text AS expression
  FROM observa_internal.default_rules() d
  JOIN observa_internal.detection_rules o ON o.name = d.name
UNION ALL
SELECT d.name, d.type, d.severity, d.threshold, d.unit, d.event_types, d.enabled, NULL::uuid, NULL::uuid, d.description,
       NULL::timestamptz, d.metric, d.filter, d.group_by, d.window_minutes, d.direction, d.warn_threshold, d.min_samples, d.no_data,
       d.for_minutes, d.recover_threshold, d.renotify_minutes, d.resolve_minutes, d.baseline, d.floor, NULL::text
  FROM observa_internal.default_rules() d
 WHERE NOT EXISTS (SELECT FROM observa_internal.detection_rules o
                    WHERE o.name = d.name AND o.project_id IS NULL AND o.tenant_id = observa_internal.own_tenant())
UNION ALL
SELECT o.name, 'custom', o.severity, o.threshold, observa_internal.unit_of_metric(o.metric), NULL::text[], o.enabled, o.project_id, o.tenant_id,
       o.description, o.changed_at, o.metric, o.filter, o.group_by, o.window_minutes, o.direction, o.warn_threshold, o.min_samples, o.no_data,
       o.for_minutes, o.recover_threshold, o.renotify_minutes, o.resolve_minutes, o.baseline, o.floor, o.expression
  FROM observa_internal.detection_rules o
 WHERE (o.metric IS NOT NULL OR o.expression IS NOT NULL) AND NOT EXISTS (SELECT FROM observa_internal.default_rules() d WHERE d.name = o.name);
COMMENT ON VIEW observa.detection_rules IS 'Detection rules and their thresholds

UPDATE changes a rule for the tenant (for one project where project_id is given), DELETE brings the default back. INSERT of another name
adds a rule over a window of the metrics (metric, window_minutes and threshold are needed) or about each event (expression is needed). Each edit is of the row''s own tenant: a superuser,
who sees those of all, names it in WHERE. A row that would not do what it says is an error (22023). docs/signals.md.';
COMMENT ON COLUMN observa.detection_rules.tenant_id IS 'NULL: built in, as it holds for the own tenant (a superuser''s is default)';
COMMENT ON COLUMN observa.detection_rules.threshold IS 'In the rule''s unit: it fires beyond it; where baseline is history in robust standard deviations; NULL: whenever it applies';
COMMENT ON COLUMN observa.detection_rules.project_id IS 'NULL: all projects';
COMMENT ON COLUMN observa.detection_rules.event_types IS 'Of a rule over windows that filter names; NULL: any';
COMMENT ON COLUMN observa.detection_rules.metric IS 'What is measured over a window: count, error_rate, p50_latency, p95_latency, p99_latency, p95_ttft, tokens, cost, coherence, toxicity, hallucination_risk or users; NULL: the rule is about each event, and what follows is NULL, too';
COMMENT ON COLUMN observa.detection_rules.filter IS 'What is counted, as {"model": ["a", "b"], "event_type": "llm_call"}: event_type, environment, provider, model, route, tool_name, version and status; {} or NULL: everything';
COMMENT ON COLUMN observa.detection_rules.group_by IS 'What is told apart, beside project and environment: those columns, or user_id alone, or tag:<name> alone; of a rule with an expression model, route, tool_name, provider, version, agent_name, error_type, finish_reason, name and prompt_category; {} or NULL: nothing';
COMMENT ON COLUMN observa.detection_rules.window_minutes IS '1 to 1440; of users and tags whole hours of the clock';
COMMENT ON COLUMN observa.detection_rules.direction IS 'above or below: on which side of the thresholds it is bad; default above';
COMMENT ON COLUMN observa.detection_rules.warn_threshold IS 'Beyond it a signal of one severity less; NULL: none';
COMMENT ON COLUMN observa.detection_rules.min_samples IS 'With fewer in the window there are no data; default 0';
COMMENT ON COLUMN observa.detection_rules.no_data IS 'What that means: ok (the default), alert, keep (what was goes on), or ignore (so it does, and what was about to be raised begins anew)';
COMMENT ON COLUMN observa.detection_rules.for_minutes IS 'How long it has to be bad without a break; default 0';
COMMENT ON COLUMN observa.detection_rules.recover_threshold IS 'What was bad is so until it is beyond this; NULL: the threshold';
COMMENT ON COLUMN observa.detection_rules.renotify_minutes IS 'How often webhooks are told again of an alert that nobody has acknowledged; NULL: never';
COMMENT ON COLUMN observa.detection_rules.resolve_minutes IS 'How long it has to be well until its alert is resolved; 0: somebody resolves it; default 5';
COMMENT ON COLUMN observa.detection_rules.baseline IS 'history: compared with what the hours of the last 28 days were; NULL: with the thresholds as they are';
COMMENT ON COLUMN observa.detection_rules.floor IS 'Where baseline is history: the least difference from what is usual that counts, in unit';
COMMENT ON COLUMN observa.detection_rules.expression IS 'Of a rule of the tenant''s own about each event: a condition over the columns of observa.events, as latency_ms > 3000 AND attributes->>''plan'' = ''free''; NULL: another kind of rule';

CREATE OR REPLACE TRIGGER edit_detection_rule INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.detection_rules
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_detection_rule();

CREATE OR REPLACE VIEW observa.model_prices WITH (security_invoker = true) AS
SELECT price_id::text AS id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source, tenant_id,
       project_id, hours_utc, weekdays, loaded_at
  FROM observa_internal.model_prices
UNION ALL
SELECT id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source, NULL::uuid, NULL::uuid,
       hours_utc, weekdays, NULL::timestamptz
  FROM observa_internal.builtin_prices();
COMMENT ON VIEW observa.model_prices IS 'The price book: prices of models, each with the time it is valid

A project''s price wins over the tenant''s, that over a file which the tenant loaded, that over one loaded for everybody
(observa.load_prices), that over the built-in ones (observa.builtin_prices). INSERT adds a price of your own; built-in
prices and those loaded for everybody can''t be changed here. Stored costs change only with observa.reprice. Rates that are
none are an error (22023).';
COMMENT ON COLUMN observa.model_prices.id IS 'As price_id in observa.cost_breakdown';
COMMENT ON COLUMN observa.model_prices.provider IS 'Who is paid; NULL: any provider';
COMMENT ON COLUMN observa.model_prices.model IS 'A model''s name without its provider, or a pattern in which * is any text';
COMMENT ON COLUMN observa.model_prices.maps_to IS 'For a deployment''s name: the model whose prices count; NULL: its own rates';
COMMENT ON COLUMN observa.model_prices.rates IS 'USD per token, by token class: input, output, cache_read, cache_write, cache_write_1h, input_audio, output_audio,
input_image, output_image, reasoning; batch, flex, priority and above_<tokens> hold the rates of a service tier and of
requests with more input. A class that is not there costs as the text of its side; amounts may be texts, to keep all digits';
COMMENT ON COLUMN observa.model_prices.context_window IS 'Most input tokens of a request; NULL: not known';
COMMENT ON COLUMN observa.model_prices.valid_from IS 'From this time on; of several, the latest start wins. -infinity: always';
COMMENT ON COLUMN observa.model_prices.valid_to IS 'Before this time; infinity: no end';
COMMENT ON COLUMN observa.model_prices.source IS 'The file or the person that says so';
COMMENT ON COLUMN observa.model_prices.tenant_id IS 'NULL: for every tenant';
COMMENT ON COLUMN observa.model_prices.project_id IS 'NULL: for all projects of the tenant';
COMMENT ON COLUMN observa.model_prices.hours_utc IS 'The hours of the day in which it holds, as 16:30-00:30; NULL: the whole day';
COMMENT ON COLUMN observa.model_prices.weekdays IS 'The UTC weekdays on which it holds, Monday is 1; NULL: every day';
COMMENT ON COLUMN observa.model_prices.loaded_at IS 'When observa.load_prices added it; NULL: built in, or written by hand';

CREATE OR REPLACE TRIGGER edit_model_price INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.model_prices
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_model_price();

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.projects
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();

CREATE OR REPLACE VIEW observa.user_profiles WITH (security_invoker = true) AS
SELECT account_id AS id, full_name, avatar_url, company, observa.me() ->> 'role' AS role, preferences
  FROM observa_internal.accounts;
COMMENT ON VIEW observa.user_profiles IS 'The account that is signed in

UPDATE changes full_name (200 characters), avatar_url (2,000), company (200) and preferences (16 kB), without secrets and personal
data that scrubbing knows.';
COMMENT ON COLUMN observa.user_profiles.role IS 'owner, admin, member or viewer in the tenant that the session acts for; NULL: of none';

CREATE OR REPLACE TRIGGER edit_profile INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.user_profiles
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_profile();
