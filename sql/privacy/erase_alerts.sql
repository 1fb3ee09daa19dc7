-- $2: ids of alerts, $5 a person's id, $6 ':' and the digits of their pseudonyms. An alert may be about the person. What they quote of an error, or what somebody wrote of it, goes. Locked as in erase_events.sql.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.alerts a
     WHERE a.tenant_id = observa.current_tenant() AND a.alert_id = ANY ($2::uuid[])
     ORDER BY a.alert_id
       FOR UPDATE
), said AS (
    UPDATE observa_internal.alert_events e
       SET note = NULL, assignee = nullif(e.assignee, $5)
     WHERE e.tenant_id = observa.current_tenant() AND e.alert_id = ANY ($2::uuid[]) AND (e.note IS NOT NULL OR e.assignee = $5)
)
UPDATE observa_internal.alerts a
   SET title = t.title, alert_group = t.alert_group, description = t.title, note = NULL, assignee = nullif(a.assignee, $5)
  FROM (SELECT o.tenant_id, o.alert_id, p.is_theirs,
               CASE WHEN p.is_theirs THEN pg_catalog.replace(o.rule, '_', ' ') ELSE o.title END AS title,
               CASE WHEN p.is_theirs THEN 'user_id' ELSE o.alert_group END AS alert_group
          FROM observa_internal.alerts o
         CROSS JOIN LATERAL (SELECT o.alert_group = 'user_id=' || $5
                                    OR (o.alert_group LIKE 'user\_id=%' AND pg_catalog.right(o.alert_group, 17) = $6) AS is_theirs) p
         WHERE o.tenant_id = observa.current_tenant() AND o.alert_id = ANY ($2::uuid[])) t
 WHERE t.tenant_id = a.tenant_id AND t.alert_id = a.alert_id AND a.tenant_id = observa.current_tenant() AND a.alert_id = ANY ($2::uuid[])
   AND (a.description <> a.title OR a.note IS NOT NULL OR a.assignee = $5 OR t.is_theirs) AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING a.alert_id
