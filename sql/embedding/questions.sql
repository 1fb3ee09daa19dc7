-- $1 tenant, $2 times and $3 ids of events: the head of what was asked, in their order. NULL: it is kept no more. With the rights of who asks.
SELECT pg_catalog.left(coalesce(observa_internal.last_message(p.input, 'user'), p.input), 200)
  FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) WITH ORDINALITY AS k (ts, event_id, place)
  LEFT JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = k.ts AND p.event_id = k.event_id
 ORDER BY k.place
