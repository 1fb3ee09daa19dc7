-- $1 tenant, $2 project or NULL, $3 since, $4 until: the kinds of errors among the tenant's newest events. A whole month's would be read for seconds.
WITH newest AS MATERIALIZED (
    SELECT e.ts, e.project_id, e.status, e.error_type, e.trace_id
      FROM observa.events e
     WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4
     ORDER BY e.ts DESC
     LIMIT 5000
)
SELECT json_build_object(
           'looked_at', (SELECT count(*) FROM newest n WHERE $2 IS NULL OR n.project_id = $2),
           'kinds', (SELECT coalesce(json_agg(json_build_object('kind', left(k.error_type, 200), 'status', k.status, 'count', k.count,
                                                                'last', to_char(k.last AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
                                                                'trace_id', k.trace_id)), '[]')
                       FROM (SELECT n.error_type, n.status, count(*) AS count, max(n.ts) AS last,
                                    (array_agg(n.trace_id ORDER BY n.ts DESC) FILTER (WHERE n.trace_id IS NOT NULL))[1] AS trace_id
                               FROM newest n
                              WHERE n.status <> 'ok' AND ($2 IS NULL OR n.project_id = $2)
                              GROUP BY n.error_type, n.status
                              ORDER BY count(*) DESC, n.error_type
                              LIMIT 10) k))::text
