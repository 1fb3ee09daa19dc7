-- Calls since $1 that two transactions stored at once, neither of which saw the other's: both billed for one answer, or for a
-- call and its wrapper.
SELECT e.project_id, NULL AS trace_id, e.response_id
  FROM observa_internal.events e
 WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $1 AND e.billable AND e.response_id IS NOT NULL
 GROUP BY e.project_id, e.response_id
HAVING pg_catalog.count(*) > 1
UNION ALL
SELECT DISTINCT e.project_id, e.trace_id, NULL
  FROM observa_internal.events e
  JOIN observa_internal.events wrapper
    ON wrapper.tenant_id = e.tenant_id AND wrapper.trace_id = e.trace_id AND wrapper.span_id = e.parent_span_id
 WHERE e.tenant_id = observa.current_tenant() AND e.ts >= $1 AND e.billable AND wrapper.ts >= $1 AND wrapper.billable
 LIMIT 10000
