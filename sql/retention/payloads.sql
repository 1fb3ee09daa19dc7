-- $1 project, rows of $2 to before $3, $4 most rows at once.
DELETE FROM observa_internal.event_payloads p
 WHERE p.tenant_id = observa.current_tenant() AND p.ts >= $2 AND p.ts < $3
   AND (p.ts, p.event_id) IN (
       SELECT o.ts, o.event_id
         FROM observa_internal.event_payloads o
         JOIN observa_internal.events e ON e.tenant_id = o.tenant_id AND e.ts = o.ts AND e.event_id = o.event_id
        WHERE o.tenant_id = observa.current_tenant() AND o.ts >= $2 AND o.ts < $3
          AND e.ts >= $2 AND e.ts < $3 AND e.project_id = $1
        LIMIT $4)
