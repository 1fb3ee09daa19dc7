-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored. A signal does not name a person whom the
-- trace told later, so its event is asked, too.
SELECT s.ts, s.signal_id::text, CASE WHEN $13 THEN (pg_catalog.to_jsonb(s) - 'tenant_id')::text END
  FROM observa_internal.signals s
 WHERE s.tenant_id = observa.current_tenant()
   AND s.ts >= $10 AND (s.ts > $10 OR s.signal_id::text COLLATE "C" > $11)
   AND (s.user_id = $1 OR pg_catalog.right(s.user_id, 17) = $2
        OR EXISTS (SELECT FROM theirs e WHERE e.ts = s.ts AND e.event_id = s.event_id))
 ORDER BY s.ts, s.signal_id
 LIMIT $12
