-- $1 project, $2 environment; alerts that were raised from $4 on, before $5, and those that are open now; the $9 newest.
WITH raised AS (
    SELECT a.id, a.title, a.severity, a.rule, a.status, a.created_at, a.trace_id, a.environment, a.project_id
      FROM observa.alerts a
     WHERE a.created_at >= $4 AND a.created_at < $5 AND ($1 IS NULL OR a.project_id = $1) AND ($2 IS NULL OR a.environment = $2)
), open AS (
    SELECT a.severity FROM observa.alerts a
     WHERE a.status IN ('active', 'acknowledged') AND ($1 IS NULL OR a.project_id = $1) AND ($2 IS NULL OR a.environment = $2)
)
SELECT jsonb_build_object(
    'since', $4, 'until', $5, 'raised', (SELECT count(*) FROM raised), 'open', (SELECT count(*) FROM open),
    'open_critical', (SELECT count(*) FROM open o WHERE o.severity = 'critical'),
    'by_severity', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT severity, count(*) FROM raised GROUP BY 1) g (k, n)),
    'by_status', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT status, count(*) FROM raised GROUP BY 1) g (k, n)),
    'by_rule', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT rule, count(*) FROM raised GROUP BY 1) g (k, n)),
    'newest', (SELECT coalesce(jsonb_agg(to_jsonb(n) ORDER BY n.created_at DESC, n.id), '[]')
                 FROM (SELECT * FROM raised ORDER BY created_at DESC, id LIMIT $9) n))
