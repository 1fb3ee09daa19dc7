-- Every table is closed but to its tenant, also to its owner. Readers need the right to read (readable_tenant), the
-- owner, who only writes for ingest, the tenant that it acts for.
DO $policies$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'projects', 'api_keys', 'logins', 'members', 'detection_rules', 'model_prices', 'scrub_patterns', 'budgets', 'events',
                                'event_payloads', 'event_keys', 'signals', 'alerts', 'alert_events', 'issues', 'issue_hours', 'issue_deltas', 'issue_states', 'issue_backfills', 'rejected_events', 'logs', 'span_contents', 'usage', 'usage_deltas', 'retention_passes',
                                'rollup_deltas', 'metric_series', 'metrics', 'metric_totals', 'user_metrics', 'user_metric_days', 'tag_metrics',
                                'user_days', 'changed_user_days', 'damaged_deltas', 'activities', 'traces', 'rule_states', 'rule_mutes',
                                'detection_candidates', 'detectors', 'detector_events', 'answer_days', 'service_reports'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('ALTER TABLE observa_internal.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS acting_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY acting_tenant ON observa_internal.%I TO observa_owner '
            'USING (tenant_id = observa.current_tenant()) WITH CHECK (tenant_id = observa.current_tenant())', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['projects', 'detection_rules', 'budgets', 'events', 'event_payloads', 'signals', 'alerts', 'alert_events', 'issues',
                                'issue_hours', 'issue_deltas', 'issue_states', 'rejected_events', 'logs', 'usage', 'usage_deltas', 'rollup_deltas', 'metric_series', 'metrics',
                                'metric_totals', 'user_metrics', 'user_metric_days', 'tag_metrics', 'activities', 'traces', 'rule_mutes', 'answer_days', 'service_reports'] LOOP
        EXECUTE pg_catalog.format('DROP POLICY IF EXISTS readable_tenant ON observa_internal.%I', name);
        EXECUTE pg_catalog.format('CREATE POLICY readable_tenant ON observa_internal.%I FOR SELECT TO observa_read '
            'USING (tenant_id = observa.readable_tenant())', name);
        EXECUTE pg_catalog.format('GRANT SELECT ON observa_internal.%I TO observa_read', name);
    END LOOP;
END
$policies$;

-- A price without a tenant is everybody's.
DROP POLICY IF EXISTS readable_tenant ON observa_internal.model_prices;
CREATE POLICY readable_tenant ON observa_internal.model_prices FOR SELECT TO observa_read
    USING (tenant_id IS NULL OR tenant_id = observa.readable_tenant());
DROP POLICY IF EXISTS shared_prices ON observa_internal.model_prices;
CREATE POLICY shared_prices ON observa_internal.model_prices FOR SELECT TO observa_owner USING (tenant_id IS NULL);
-- What holds for everybody, only a superuser's session changes (observa.load_prices).
DROP POLICY IF EXISTS shared_prices_of_superuser ON observa_internal.model_prices;
CREATE POLICY shared_prices_of_superuser ON observa_internal.model_prices TO observa_owner
    USING (tenant_id IS NULL AND observa_internal.session_is_superuser())
    WITH CHECK (tenant_id IS NULL AND observa_internal.session_is_superuser());
GRANT SELECT ON observa_internal.model_prices TO observa_read;

-- A tenant's administrator sees what it may change.
DROP POLICY IF EXISTS administered_tenant ON observa_internal.detection_rules;
CREATE POLICY administered_tenant ON observa_internal.detection_rules FOR SELECT TO observa_admin
    USING (tenant_id = observa.administered_tenant());
DROP POLICY IF EXISTS administered_tenant ON observa_internal.model_prices;
CREATE POLICY administered_tenant ON observa_internal.model_prices FOR SELECT TO observa_admin
    USING (tenant_id IS NULL OR tenant_id = observa.administered_tenant());
DROP POLICY IF EXISTS administered_tenant ON observa_internal.budgets;
CREATE POLICY administered_tenant ON observa_internal.budgets FOR SELECT TO observa_admin
    USING (tenant_id = observa.administered_tenant());
GRANT SELECT ON observa_internal.detection_rules, observa_internal.model_prices, observa_internal.budgets TO observa_admin;

-- Finds who asks, and the home of an event, among all tenants.
GRANT SELECT ON observa_internal.tenants, observa_internal.projects, observa_internal.api_keys, observa_internal.logins,
    observa_internal.members, observa_internal.retention_passes, observa_internal.rollup_deltas, observa_internal.metrics,
    observa_internal.metric_series, observa_internal.metric_totals, observa_internal.user_metric_days TO observa_system;
GRANT SELECT (alert_id, tenant_id) ON observa_internal.alerts TO observa_system;
GRANT SELECT (issue_id, tenant_id) ON observa_internal.issues, observa_internal.issue_deltas TO observa_system;
GRANT SELECT (tenant_id) ON observa_internal.issue_backfills TO observa_system;
GRANT SELECT (tenant_id, created_at) ON observa_internal.rejected_events TO observa_system;
GRANT SELECT (tenant_id) ON observa_internal.rule_states TO observa_system;
GRANT SELECT (tenant_id, name, enabled, errors, failures, last_error) ON observa_internal.detectors TO observa_system;
GRANT SELECT (tenant_id, added_at) ON observa_internal.damaged_deltas TO observa_system;
GRANT INSERT, UPDATE, DELETE ON observa_internal.logins TO observa_system;
-- It counts the users of all tenants' days, for the materialized views that it owns.
GRANT SELECT, INSERT, UPDATE ON observa_internal.user_days TO observa_system;
GRANT SELECT, DELETE ON observa_internal.changed_user_days TO observa_system;
-- The hash of a key is nobody's to read.
DROP POLICY IF EXISTS readable_tenant ON observa_internal.api_keys;
CREATE POLICY readable_tenant ON observa_internal.api_keys FOR SELECT TO observa_read
    USING (tenant_id = observa.readable_tenant());
GRANT SELECT (tenant_id, key_id, project_id, name, kind, prefix, scopes, origins, created_at, expires_at, revoked_at, last_used_at)
    ON observa_internal.api_keys TO observa_read;
