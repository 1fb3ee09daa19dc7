-- $2: ids of alerts. What they quote of an error, or what somebody wrote of it, goes. Locked as in erase_events.sql.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = ANY ($2::uuid[])
     ORDER BY a.alert_id
       FOR UPDATE
)
UPDATE observa_internal.alerts a
   SET description = a.title, note = NULL
 WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = ANY ($2::uuid[])
   AND (a.description <> a.title OR a.note IS NOT NULL) AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING a.alert_id
