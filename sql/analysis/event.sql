-- $1 time, $2 id of an event of the acting tenant.
SELECT p.input, p.output
  FROM observa_internal.events e
  LEFT JOIN observa_internal.event_payloads p ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
 WHERE e.tenant_id = observa.current_tenant() AND e.ts = $1 AND e.event_id = $2
