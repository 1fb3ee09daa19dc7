-- $1 tenant, $2 times and $3 ids of events: the head of what was asked, in their order. NULL: it is kept no more. With the rights of who asks.
SELECT pg_catalog.left(coalesce(observa_internal.last_message(p.input, 'user'), p.input), 200)
  FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) WITH ORDINALITY AS k (ts, event_id, place)
  LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = $1 AND n.ts = k.ts AND n.event_id = k.event_id OFFSET 0) p ON true
 ORDER BY k.place
