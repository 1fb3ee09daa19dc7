-- $2: ids of alerts. What they quote of an error, or what somebody wrote of it, goes.
WITH theirs AS MATERIALIZED (
    SELECT a.alert_id
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = ANY ($2::uuid[])
       AND (a.description <> a.title OR a.note IS NOT NULL)
     ORDER BY a.alert_id
       FOR UPDATE
)
UPDATE observa_internal.alerts a
   SET description = a.title, note = NULL
  FROM theirs t
 WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = t.alert_id
RETURNING a.alert_id
