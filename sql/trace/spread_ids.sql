-- $1 times and $2 ids of stored events, with the $3 session, $4 user and $5 conversation that their trace has: they fill what
-- is not known. A row that another transaction holds is left as it is: nobody waits here.
WITH found AS MATERIALIZED (
    SELECT e.tenant_id, e.ts, e.event_id, new.session_id, new.user_id, new.conversation_id
      FROM observa_internal.events e
      JOIN ROWS FROM (pg_catalog.unnest($1::timestamptz[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]))
           AS new (ts, event_id, session_id, user_id, conversation_id)
        ON e.ts = new.ts AND e.event_id = new.event_id
     WHERE e.tenant_id = observa.current_tenant()
     ORDER BY e.ts, e.event_id
       FOR UPDATE OF e SKIP LOCKED
)
UPDATE observa_internal.events e
   SET session_id = coalesce(e.session_id, found.session_id), user_id = coalesce(e.user_id, found.user_id),
       conversation_id = coalesce(e.conversation_id, found.conversation_id)
  FROM found
 WHERE e.tenant_id = found.tenant_id AND e.ts = found.ts AND e.event_id = found.event_id
