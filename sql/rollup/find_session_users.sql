-- rows: of activities, of which somebody was taken out. Who is in the sessions now, by their events: of all events of
-- their time, since no index knows sessions.
UPDATE observa_internal.activities a
   SET user_id = (SELECT max(e.user_id COLLATE "C")
                    FROM observa_internal.events e
                   WHERE e.tenant_id = a.tenant_id AND e.session_id = a.id AND e.project_id = a.project_id
                     AND e.ts BETWEEN a.first_seen AND a.last_seen)
  FROM rows
 WHERE a.tenant_id = rows.tenant_id AND a.actor = rows.actor AND a.id = rows.id AND a.project_id = rows.project_id
   AND a.actor = 'session'
