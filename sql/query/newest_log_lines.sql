-- As log_lines.sql, but the newest ones, whatever $5 and $6 are.
SELECT n.*
  FROM (SELECT l.ts, l.log_id, l.level, l.service, l.message, l.trace_id, l.span_id, l.request_id, l.error_code, l.error_stack, l.metadata, l.project_id
          FROM observa_internal.logs l
         WHERE l.tenant_id = $1 AND ($2 IS NULL OR l.project_id = $2) AND l.level = ANY ($3) AND ($4 IS NULL OR l.service = $4)
           AND l.ts <= pg_catalog.statement_timestamp() AND $5::timestamptz IS NOT NULL AND $6::uuid IS NOT NULL
         ORDER BY l.ts DESC, l.log_id DESC
         LIMIT $7) n
 ORDER BY n.ts, n.log_id
