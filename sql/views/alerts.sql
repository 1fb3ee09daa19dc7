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
       a.project_id, a.assignee
  FROM observa_internal.alerts a;
COMMENT ON VIEW observa.alerts IS 'Alerts: what somebody should look at

One is open for each rule and group. observa.acknowledge_alert(id), observa.resolve_alert(id) and observa.close_alert(id)
end its life, observa.reopen_alert(id) begins it anew; observa.alert_events tells it, observa.explain_alert(id) what is behind it.';
COMMENT ON COLUMN observa.alerts.assignee IS 'Who looks after it: observa.assign_alert(id, assignee); NULL: nobody';

-- What an older library did is known by the alert's own row alone.
CREATE OR REPLACE VIEW observa.alert_events WITH (security_invoker = true) AS
SELECT e.alert_id, e.at, e.event, e.actor, e.note, e.assignee, e.value, e.event_id AS id, e.tenant_id, a.project_id
  FROM observa_internal.alert_events e
  JOIN observa_internal.alerts a ON a.tenant_id = e.tenant_id AND a.alert_id = e.alert_id
UNION ALL
SELECT a.alert_id, a.created_at, 'raised', 'rule ' || a.rule, NULL, NULL, coalesce(a.raised_value, a.current_value), a.opened, a.tenant_id, a.project_id
  FROM observa_internal.alerts a
UNION ALL
SELECT a.alert_id, o.at, o.event, NULL, NULL, NULL, NULL, NULL, a.tenant_id, a.project_id
  FROM observa_internal.alerts a
 CROSS JOIN LATERAL (VALUES ('acknowledged', a.acknowledged_at), ('resolved', a.resolved_at), ('closed', a.closed_at)) o (event, at)
 WHERE o.at IS NOT NULL
   AND NOT EXISTS (SELECT FROM observa_internal.alert_events e
                    WHERE e.tenant_id = a.tenant_id AND e.alert_id = a.alert_id
                      AND (e.event = o.event OR e.event = 'auto_resolved' AND o.event = 'resolved'));
COMMENT ON VIEW observa.alert_events IS 'What became of alerts: who did what, and when

event is raised, acknowledged, resolved, closed, reopened, assigned, unassigned, noted, auto_resolved, escalated or notified_again.';
COMMENT ON COLUMN observa.alert_events.actor IS 'login, key, member or rule, and which; NULL: not known';
COMMENT ON COLUMN observa.alert_events.note IS 'What was said of it; NULL: nothing';
COMMENT ON COLUMN observa.alert_events.assignee IS 'Whom it was given to; NULL: the event gave it to nobody';
COMMENT ON COLUMN observa.alert_events.value IS 'What the alert is about, then, in the unit of its rule; NULL: not known';
COMMENT ON COLUMN observa.alert_events.id IS 'Of raised the signal''s; NULL: an older library did it';

CREATE OR REPLACE VIEW observa.muted_rules WITH (security_invoker = true) AS
SELECT u.rule, u.alert_group, u.until, u.created_at, u.tenant_id
  FROM observa_internal.rule_mutes u
 WHERE u.until > pg_catalog.now();
COMMENT ON VIEW observa.muted_rules IS 'What raises no alerts for now

observa.mute_rule(rule, alert_group, until) mutes, and ends it.';
COMMENT ON COLUMN observa.muted_rules.alert_group IS 'NULL: whatever it is about';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.muted_rules
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
