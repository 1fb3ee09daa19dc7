-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored. Of a whole trace it is theirs where that is.
SELECT r.ts, r.job_id::text, CASE WHEN $13 THEN (pg_catalog.to_jsonb(r) - 'tenant_id')::text END
  FROM observa_internal.analysis_jobs r
 WHERE r.tenant_id = observa.current_tenant()
   AND r.ts >= $10 AND (r.ts > $10 OR r.job_id::text COLLATE "C" > $11)
   AND (r.user_id = $1 OR pg_catalog.right(r.user_id, 17) = $2
        OR (r.event_id IS NULL AND r.trace_id = ANY ($3))
        OR EXISTS (SELECT FROM theirs e WHERE e.ts = r.ts AND e.event_id = r.event_id))
 ORDER BY r.ts, r.job_id::text COLLATE "C"
 LIMIT $12
