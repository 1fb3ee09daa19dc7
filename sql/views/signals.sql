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

-- An alert is never updated by what repeats it: its occurrences are counted in the signals that arrived after the end of the
-- alert before it and before its own. Arrival counts, not the events' times: those are the client's, and may be days old.
-- Of concurrent transactions one raises the alert, while another may hold an earlier signal: so not from the one that opened it.
CREATE OR REPLACE FUNCTION observa_internal.alert_sightings(alert observa_internal.alerts, OUT occurrences bigint,
                                                            OUT first_seen timestamptz, OUT last_seen timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000
    BEGIN ATOMIC
    SELECT count(*), least(min(s.ts), alert.first_seen), greatest(max(s.ts), alert.first_seen)
      FROM observa_internal.signals s
     WHERE s.tenant_id = alert.tenant_id AND s.alert_key = alert.alert_key
       AND s.signal_id >= coalesce((SELECT least(a.ended, alert.opened) FROM observa_internal.alerts a
                                     WHERE a.tenant_id = alert.tenant_id AND a.alert_key = alert.alert_key
                                       AND a.opened < alert.opened
                                     ORDER BY a.opened DESC LIMIT 1), '00000000-0000-0000-0000-000000000000')
       AND s.signal_id < coalesce(least(alert.ended, (SELECT a.opened FROM observa_internal.alerts a
                                                       WHERE a.tenant_id = alert.tenant_id AND a.alert_key = alert.alert_key
                                                         AND a.opened > alert.opened
                                                       ORDER BY a.opened LIMIT 1)), 'ffffffff-ffff-ffff-ffff-ffffffffffff');
    END;
COMMENT ON FUNCTION observa_internal.alert_sightings(observa_internal.alerts) IS 'How often an alert''s signal arrived while it was open, and its first and last time';
REVOKE ALL ON FUNCTION observa_internal.alert_sightings(observa_internal.alerts) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.alert_sightings(observa_internal.alerts) TO observa_read;

-- What is counted stands in the select list, and is dear: so it is counted after ORDER BY and LIMIT, for the alerts that are
-- shown, and only where it is asked for. A lateral join would count for all of them first.
CREATE OR REPLACE VIEW observa.alerts WITH (security_invoker = true) AS
SELECT a.alert_id AS id, a.title, a.description, a.severity, a.source, a.rule, a.status, a.current_value,
       a.threshold_value, (observa_internal.alert_sightings(a)).occurrences,
       (observa_internal.alert_sightings(a)).first_seen, (observa_internal.alert_sightings(a)).last_seen, a.trace_id,
       a.created_at, a.alert_group, a.environment, a.acknowledged_at, a.resolved_at, a.closed_at, a.note, a.tenant_id,
       a.project_id
  FROM observa_internal.alerts a;
COMMENT ON VIEW observa.alerts IS 'Alerts: what somebody should look at

One is open for each rule and group. observa.acknowledge_alert(id), observa.resolve_alert(id) and observa.close_alert(id)
end its life.';

CREATE OR REPLACE VIEW observa.muted_rules WITH (security_invoker = true) AS
SELECT u.rule, u.alert_group, u.until, u.created_at, u.tenant_id
  FROM observa_internal.rule_mutes u
 WHERE u.until > pg_catalog.now();
COMMENT ON VIEW observa.muted_rules IS 'What raises no alerts for now

observa.mute_rule(rule, alert_group, until) mutes, and ends it.';
COMMENT ON COLUMN observa.muted_rules.alert_group IS 'NULL: whatever it is about';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.muted_rules
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.signals
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
