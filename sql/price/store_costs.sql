-- $1: a tenant; $2 to $5: times, ids, costs and their sources; $6, $7: the first and the last of the times.
UPDATE observa_internal.events e
   SET cost_usd = n.cost_usd::numeric, cost_source = n.cost_source
  FROM ROWS FROM (unnest($2), unnest($3), unnest($4), unnest($5)) AS n (ts, event_id, cost_usd, cost_source)
 WHERE e.tenant_id = $1 AND e.ts = n.ts AND e.event_id = n.event_id AND e.ts BETWEEN $6 AND $7
