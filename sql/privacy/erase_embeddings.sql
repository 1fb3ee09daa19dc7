-- $1, $2: keys of embeddings, $3, $4: the first and the last time of them. A vector tells of what they said.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.embeddings r
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id) ON r.ts = found.ts AND r.event_id = found.id
     WHERE r.tenant_id = observa.current_tenant() AND r.ts BETWEEN $3 AND $4
     ORDER BY r.ts, r.event_id
       FOR UPDATE OF r
)
DELETE FROM observa_internal.embeddings r
 USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, id)
 WHERE r.tenant_id = observa.current_tenant() AND r.ts = found.ts AND r.event_id = found.id AND r.ts BETWEEN $3 AND $4
   AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING r.event_id
