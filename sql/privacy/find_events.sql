-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored.
SELECT e.ts, e.event_id,
       CASE WHEN $13 THEN (pg_catalog.to_jsonb(e) - 'tenant_id'
            || coalesce((SELECT pg_catalog.to_jsonb(p) - 'tenant_id' FROM observa_internal.event_payloads p
                          WHERE p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id), '{}'))::text END
  FROM theirs e
 WHERE e.ts >= $10 AND (e.ts > $10 OR e.event_id > $11)
 ORDER BY e.ts, e.event_id
 LIMIT $12
