-- $1 tenant, $2 project, NULL: all; $3 levels, $4 service, NULL: all; $5 and $6 the last line that was seen, $7 most lines: those after it.
-- A line from a clock that is ahead is shown when its time has come: as the last one seen it would hide all others until then.
SELECT l.ts, l.log_id, l.level, l.service, l.message, l.trace_id, l.span_id, l.request_id, l.error_code, l.error_stack, l.metadata, l.project_id
  FROM observa_internal.logs l
 WHERE l.tenant_id = $1 AND ($2 IS NULL OR l.project_id = $2) AND l.level = ANY ($3) AND ($4 IS NULL OR l.service = $4)
   AND l.ts >= $5 AND l.ts <= pg_catalog.statement_timestamp() AND (l.ts, l.log_id) > ($5, $6)
 ORDER BY l.ts, l.log_id
 LIMIT $7
