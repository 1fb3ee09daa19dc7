-- After theirs.sql. From the key after ($10, $11), at most $12; $13: with what is stored. $9: where metadata may name a user. Lines that
-- name them, and lines of what is theirs alone, or of a span of theirs in a trace of several people ($4), that name nobody else.
SELECT l.ts, l.log_id::text, CASE WHEN $13 THEN (pg_catalog.to_jsonb(l) - 'tenant_id')::text END
  FROM observa_internal.logs l
  -- Most lines have none of the keys: that is one look.
 CROSS JOIN LATERAL (
       SELECT pg_catalog.bool_or(named.id = $1 OR pg_catalog.right(named.id, 17) = $2) AS them,
              pg_catalog.bool_or(named.id <> $1 AND pg_catalog.right(named.id, 17) <> $2) AS others
         FROM (SELECT l.metadata #>> path::text[] AS id
                 FROM pg_catalog.unnest(CASE WHEN l.metadata ?| (SELECT pg_catalog.array_agg((path::text[])[1])
                                                                   FROM pg_catalog.unnest($9) AS path) THEN $9 END) AS path) named
        -- What was replaced names nobody.
        WHERE named.id <> '' AND named.id NOT LIKE '[REDACTED:%') of_line
 WHERE l.tenant_id = observa.current_tenant()
   AND l.ts >= $10 AND (l.ts > $10 OR l.log_id::text COLLATE "C" > $11)
   AND (of_line.them
        OR (of_line.others IS NOT TRUE
            AND (l.trace_id = ANY ($3)
                 OR (l.session_id IS NOT NULL
                     AND (l.project_id, l.session_id) IN (SELECT * FROM ROWS FROM (pg_catalog.unnest($5), pg_catalog.unnest($6)) AS known))
                 OR (l.trace_id = ANY ($4)
                     AND EXISTS (SELECT FROM theirs e WHERE e.trace_id = l.trace_id AND e.span_id = l.span_id)))))
 ORDER BY l.ts, l.log_id
 LIMIT $12
