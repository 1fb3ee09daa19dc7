CREATE OR REPLACE VIEW observa.projects WITH (security_invoker = true) AS
SELECT project_id AS id, tenant_id, name, environment, scrub_emails, created_at FROM observa_internal.projects;
COMMENT ON VIEW observa.projects IS 'Projects: the applications whose events are kept apart';

-- A row for each exception, of a project or of the whole tenant, and the built-in row where the own tenant has none for the whole
-- of it. A superuser's own tenant is the default one, and the other tenants' exceptions stand beside.
CREATE OR REPLACE VIEW observa.detection_rules WITH (security_invoker = true) AS
SELECT d.name, d.type, coalesce(o.severity, d.severity) AS severity, coalesce(o.threshold, d.threshold) AS threshold,
       d.unit, d.event_types, o.enabled, o.project_id, o.tenant_id, d.description, o.changed_at
  FROM observa_internal.default_rules() d
  JOIN observa_internal.detection_rules o ON o.name = d.name
UNION ALL
SELECT d.name, d.type, d.severity, d.threshold, d.unit, d.event_types, true, NULL::uuid, NULL::uuid, d.description,
       NULL::timestamptz
  FROM observa_internal.default_rules() d
 WHERE NOT EXISTS (SELECT FROM observa_internal.detection_rules o
                    WHERE o.name = d.name AND o.project_id IS NULL AND o.tenant_id = observa_internal.own_tenant());
COMMENT ON VIEW observa.detection_rules IS 'Detection rules and their thresholds

UPDATE changes a rule for the tenant (for one project where project_id is given), DELETE brings the default back. Each
edit is of the row''s own tenant: a superuser, who sees those of all, names it in WHERE.';
COMMENT ON COLUMN observa.detection_rules.tenant_id IS 'NULL: built in, as it holds for the own tenant (a superuser''s is default)';
COMMENT ON COLUMN observa.detection_rules.threshold IS 'In the rule''s unit: it fires above it; NULL: whenever it applies';
COMMENT ON COLUMN observa.detection_rules.project_id IS 'NULL: all projects';

CREATE OR REPLACE TRIGGER edit_detection_rule INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.detection_rules
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_detection_rule();

CREATE OR REPLACE VIEW observa.model_prices WITH (security_invoker = true) AS
SELECT price_id::text AS id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source, tenant_id,
       project_id
  FROM observa_internal.model_prices
UNION ALL
SELECT id, provider, model, maps_to, rates, context_window, valid_from, valid_to, source, NULL::uuid, NULL::uuid
  FROM observa_internal.builtin_prices();
COMMENT ON VIEW observa.model_prices IS 'The price book: prices of models, each with the time it is valid

rates are in USD per token, by token class. INSERT adds a price of your own, which wins over the built-in ones.';

CREATE OR REPLACE TRIGGER edit_model_price INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.model_prices
    FOR EACH ROW EXECUTE FUNCTION observa_internal.edit_model_price();
