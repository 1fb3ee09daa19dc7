-- $1 trace id, $2 tenant, $3 how many at most: its events in order of time, with what tells their place in the tree.
SELECT e.event_type, e.span_id, e.parent_span_id, row_to_json(e)::text
  FROM observa.events e
 WHERE e.trace_id = $1 AND e.tenant_id = $2
 ORDER BY e.ts, e.event_id
 LIMIT $3
