-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored. What log records said of their calls.
SELECT c.ts, c.trace_id || ' ' || c.span_id || ' ' || c.content_id, CASE WHEN $13 THEN (pg_catalog.to_jsonb(c) - 'tenant_id')::text END
  FROM observa_internal.span_contents c
 WHERE c.tenant_id = observa.current_tenant()
   AND c.ts >= $10 AND (c.ts > $10 OR c.trace_id || ' ' || c.span_id || ' ' || c.content_id > $11)
   AND (c.trace_id = ANY ($3)
        OR (c.trace_id = ANY ($4)
            AND EXISTS (SELECT FROM theirs e WHERE e.trace_id = c.trace_id AND e.span_id = c.span_id)))
 ORDER BY c.ts, c.trace_id || ' ' || c.span_id || ' ' || c.content_id
 LIMIT $12
