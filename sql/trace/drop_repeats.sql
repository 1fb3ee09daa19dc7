-- $1 times and $2 ids of stored events that repeat another one: they are billed no more. One that another transaction holds is
-- left to the upkeep: nobody waits here.
WITH losing AS MATERIALIZED (
    SELECT e.tenant_id, e.ts, e.event_id
      FROM observa_internal.events e
      JOIN ROWS FROM (pg_catalog.unnest($1::timestamptz[]), pg_catalog.unnest($2::text[])) AS loser (ts, event_id)
        ON e.ts = loser.ts AND e.event_id = loser.event_id
     WHERE e.tenant_id = observa.current_tenant() AND e.billable
     ORDER BY e.ts, e.event_id
       FOR UPDATE OF e SKIP LOCKED
)
UPDATE observa_internal.events e
   SET billable = false, cost_usd = NULL,
       cost_source = CASE WHEN e.reported_cost_usd IS NULL THEN 'none' ELSE 'reported' END
  FROM losing
 WHERE e.tenant_id = losing.tenant_id AND e.ts = losing.ts AND e.event_id = losing.event_id
