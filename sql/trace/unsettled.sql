-- Calls since $1 that two transactions stored at once, neither of which saw the other's: both billed for one answer, or for a
-- call and its wrapper. Grouped, not joined: a day without statistics looks empty, and would be read again for each call.
WITH recent AS MATERIALIZED (
    SELECT e.project_id, e.trace_id, e.span_id, e.parent_span_id, e.response_id
      FROM observa_internal.events e
     WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $1 AND e.billable
), link AS (
    SELECT r.project_id, r.trace_id, r.span_id, false AS is_of_child FROM recent r WHERE r.trace_id IS NOT NULL AND r.span_id IS NOT NULL
    UNION ALL
    SELECT r.project_id, r.trace_id, r.parent_span_id, true FROM recent r WHERE r.trace_id IS NOT NULL AND r.parent_span_id IS NOT NULL
)
SELECT r.project_id, NULL AS trace_id, r.response_id
  FROM recent r
 WHERE r.response_id IS NOT NULL
 GROUP BY r.project_id, r.response_id
HAVING pg_catalog.count(*) > 1
UNION ALL
SELECT DISTINCT w.project_id, w.trace_id, NULL
  FROM (SELECT (pg_catalog.array_agg(l.project_id) FILTER (WHERE l.is_of_child))[1] AS project_id, l.trace_id
          FROM link l
         GROUP BY l.trace_id, l.span_id
        HAVING pg_catalog.bool_or(l.is_of_child) AND NOT pg_catalog.bool_and(l.is_of_child)) w
 LIMIT 10000
