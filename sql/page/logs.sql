-- $1 tenant, $2 project or NULL, $3 since, $4 until: the newest lines of the log, among the tenant's newest 2,000.
SELECT coalesce(json_agg(json_build_object(
           'at', to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), 'level', l.level, 'service', left(l.service, 200),
           'message', left(l.message, 301), 'trace_id', l.trace_id) ORDER BY l.created_at DESC), '[]')::text
  FROM (SELECT n.*
          FROM (SELECT v.created_at, v.project_id, v.level, v.service, v.message, v.trace_id
                  FROM observa.logs v
                 WHERE v.tenant_id = $1 AND v.created_at >= $3 AND v.created_at < $4
                 ORDER BY v.created_at DESC
                 LIMIT 2000) n
         WHERE $2 IS NULL OR n.project_id = $2
         ORDER BY n.created_at DESC
         LIMIT 40) l
