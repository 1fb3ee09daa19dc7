-- $1, $2: keys of events, $3, $4: the first and the last time of them, $5 the person's id, $6 ':' and the digits of their
-- pseudonyms. Counts, tokens and money stay, so that no sum changes; what was said, and the ids that lead to the person, go, where they
-- are a tag's value, too. Rows are locked first, in the order of their key, as whoever changes them does. The keys are joined once more:
-- of what a CTE returns the planner takes one row for all.
WITH locked AS MATERIALIZED (
    SELECT
      FROM observa_internal.events e
      JOIN ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, event_id)
        ON e.ts = found.ts AND e.event_id = found.event_id
     WHERE e.tenant_id = observa.current_tenant() AND e.ts BETWEEN $3 AND $4
     ORDER BY e.ts, e.event_id
       FOR UPDATE OF e
), emptied AS (
    DELETE FROM observa_internal.event_payloads p
     USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, event_id)
     WHERE p.tenant_id = observa.current_tenant() AND p.ts = found.ts AND p.event_id = found.event_id
       AND p.ts BETWEEN $3 AND $4 AND (SELECT pg_catalog.count(*) FROM locked) > 0
)
UPDATE observa_internal.events e
   SET user_id = NULL, session_id = NULL, conversation_id = NULL,
       metric_tags = (SELECT pg_catalog.array_agg(t.pair ORDER BY t.n)
                        FROM pg_catalog.unnest(e.metric_tags) WITH ORDINALITY AS t (pair, n)
                       WHERE pg_catalog.substr(t.pair, pg_catalog.strpos(t.pair, '=') + 1) <> $5 AND pg_catalog.right(t.pair, 17) <> $6)
  FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS found (ts, event_id)
 WHERE e.tenant_id = observa.current_tenant() AND e.ts = found.ts AND e.event_id = found.event_id AND e.ts BETWEEN $3 AND $4
   AND (SELECT pg_catalog.count(*) FROM locked) > 0
RETURNING e.event_id
