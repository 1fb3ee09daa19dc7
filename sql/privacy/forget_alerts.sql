-- $1: the ids of a person, $2: most rows at once. Alerts that events of theirs are part of may quote what an error said.
UPDATE observa_internal.alerts a
   SET description = a.title, note = NULL
 WHERE a.tenant_id = observa.current_tenant()
   AND a.alert_id IN (
       SELECT o.alert_id FROM observa_internal.alerts o
        WHERE o.tenant_id = observa.current_tenant() AND (o.description <> o.title OR o.note IS NOT NULL)
          AND o.alert_key IN (SELECT s.alert_key FROM observa_internal.signals s
                               WHERE s.tenant_id = observa.current_tenant() AND s.user_id = ANY ($1))
        LIMIT $2)
RETURNING a.alert_id
