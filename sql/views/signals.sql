CREATE OR REPLACE VIEW observa.signals WITH (security_invoker = true) AS
SELECT s.ts, s.name, s.type, s.severity, s.value, s.threshold, s.trace_id, s.span_id, s.event_id, s.model, s.route,
       s.details, s.signal_id AS id, s.alert_group, s.user_id, s.environment, s.tenant_id, s.project_id
  FROM observa_internal.signals s;
COMMENT ON VIEW observa.signals IS 'Signals: what is worth a look, detected on every event

value and threshold are in the unit that details names.';

CREATE OR REPLACE VIEW observa.issues WITH (security_invoker = true) AS
SELECT s.name,
       CASE max(CASE s.severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END)
            WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS severity,
       count(*) AS count, min(s.ts) AS first_seen, max(s.ts) AS last_seen,
       (array_agg(s.trace_id ORDER BY s.ts DESC) FILTER (WHERE s.trace_id IS NOT NULL))[1:5] AS sample_trace_ids,
       s.alert_group AS subject, count(DISTINCT s.user_id) AS users, s.environment, s.tenant_id, s.project_id
  FROM observa_internal.signals s
 GROUP BY s.tenant_id, s.project_id, s.environment, s.name, s.alert_group;
COMMENT ON VIEW observa.issues IS 'Issues: signals of one name about one subject, with samples';

-- An alert is never updated by what repeats it: its occurrences are counted in the signals, from the end of the alert before
-- it to its own. Of concurrent transactions one raises the alert, while another may hold an earlier signal: so not from
-- first_seen, but from a day before it.
CREATE OR REPLACE FUNCTION observa_internal.alert_signals(alert observa_internal.alerts)
    RETURNS TABLE (occurrences bigint, first_seen timestamptz, last_seen timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE COST 100 ROWS 1
    BEGIN ATOMIC
    SELECT count(*), least(min(s.ts), alert.first_seen), greatest(max(s.ts), alert.first_seen)
      FROM observa_internal.signals s
     WHERE s.tenant_id = alert.tenant_id AND s.project_id = alert.project_id AND s.environment = alert.environment
       AND s.name = alert.rule AND s.alert_group = alert.alert_group
       AND s.ts > greatest(alert.first_seen - interval '1 day',
                           (SELECT max(coalesce(a.resolved_at, a.closed_at)) FROM observa_internal.alerts a
                             WHERE a.tenant_id = alert.tenant_id AND a.alert_key = alert.alert_key
                               AND a.created_at < alert.created_at AND a.first_seen < alert.first_seen))
       AND s.ts <= coalesce(alert.resolved_at, alert.closed_at, 'infinity');
    END;
COMMENT ON FUNCTION observa_internal.alert_signals(observa_internal.alerts) IS 'How often an alert''s signal was seen while it was open, and when first and last';
REVOKE ALL ON FUNCTION observa_internal.alert_signals(observa_internal.alerts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.alert_signals(observa_internal.alerts) TO observa_read;

CREATE OR REPLACE VIEW observa.alerts WITH (security_invoker = true) AS
SELECT a.alert_id AS id, a.title, a.description, a.severity, a.source, a.rule, a.status, a.current_value,
       a.threshold_value, s.occurrences, s.first_seen, s.last_seen, a.trace_id, a.created_at, a.alert_group, a.environment,
       a.acknowledged_at, a.resolved_at, a.closed_at, a.note, a.tenant_id, a.project_id
  FROM observa_internal.alerts a
  -- Counted once for each alert, and not at all where none of the three columns is asked for.
  LEFT JOIN LATERAL observa_internal.alert_signals(a) s ON true;
COMMENT ON VIEW observa.alerts IS 'Alerts: what somebody should look at

One is open for each rule and group. observa.acknowledge_alert(id), observa.resolve_alert(id) and observa.close_alert(id)
end its life.';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.signals
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
