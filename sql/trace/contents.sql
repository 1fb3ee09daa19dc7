-- $1: trace ids. What log records said of their calls, in the order they came.
SELECT c.trace_id, c.span_id, c.content_id, c.input, c.output
  FROM observa_internal.span_contents c
 WHERE c.trace_id = ANY ($1)
 ORDER BY c.trace_id, c.span_id, c.ts, c.arrived_at, c.content_id
