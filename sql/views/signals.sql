CREATE OR REPLACE VIEW observa.signals WITH (security_invoker = true) AS
SELECT s.ts, s.name, s.type, s.severity, s.value, s.threshold, s.trace_id, s.span_id, s.event_id, s.model, s.route,
       s.details, s.signal_id AS id, s.alert_group, s.user_id, s.environment, s.tenant_id, s.project_id,
       coalesce(s.issue_id, observa_internal.issue_of(s.project_id, s.environment, s.name, s.alert_group, s.details)) AS issue_id
  FROM observa_internal.signals s;
COMMENT ON VIEW observa.signals IS 'Signals: what is worth a look, detected on every event

value and threshold are in the unit that details names.';
COMMENT ON COLUMN observa.signals.issue_id IS 'The issue that it is of: id in observa.issues';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.signals
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
