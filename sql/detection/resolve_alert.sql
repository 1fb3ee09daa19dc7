-- $1 key of the open alert, $2 the rule by which all is well, $3 UUIDv7 of now, $4 the value or NULL. Another rule may still say otherwise.
WITH resolved AS (
    UPDATE observa_internal.alerts a
       SET status = 'resolved', resolved_at = pg_catalog.now(), ended = coalesce(a.ended, $3),
           note = coalesce(a.note, 'Resolved by ' || $2 || ', as it is well again')
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_key = $1 AND a.status IN ('active', 'acknowledged')
       AND NOT EXISTS (SELECT FROM observa_internal.rule_states r
                        WHERE r.tenant_id = a.tenant_id AND r.alert_key = a.alert_key AND r.rule <> $2 AND r.level > 0)
    RETURNING a.tenant_id, a.alert_id
)
INSERT INTO observa_internal.alert_events (tenant_id, alert_id, event_id, event, actor, value)
SELECT r.tenant_id, r.alert_id, $3, 'auto_resolved', 'rule ' || $2, $4 FROM resolved r
