-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored, but for the numbers.
SELECT r.ts, r.event_id, CASE WHEN $13 THEN (pg_catalog.to_jsonb(r) - 'tenant_id' - 'vector')::text END
  FROM observa_internal.embeddings r
 WHERE r.tenant_id = observa.current_tenant()
   AND r.ts >= $10 AND (r.ts > $10 OR r.event_id > $11)
   AND (r.user_id = $1 OR pg_catalog.right(r.user_id, 17) = $2
        OR EXISTS (SELECT FROM theirs e WHERE e.ts = r.ts AND e.event_id = r.event_id))
 ORDER BY r.ts, r.event_id
 LIMIT $12
