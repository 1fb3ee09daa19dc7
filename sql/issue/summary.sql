-- $1 project or NULL, $2 to before $3: issues that had a signal then.
WITH seen AS MATERIALIZED (
    SELECT i.id, i.name, i.title, i.subject, i.severity, i.state, i.count, i.first_seen, i.last_seen, i.environment, i.project_id,
           i.first_seen >= $2 AS is_new
      FROM observa.issues i
     WHERE ($1 IS NULL OR i.project_id = $1) AND i.last_seen >= $2 AND i.first_seen < $3
)
SELECT pg_catalog.jsonb_build_object(
    'since', $2, 'until', $3,
    'issues', (SELECT count(*) FROM seen),
    'by_severity', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT severity, count(*) FROM seen GROUP BY 1) g (k, n)),
    'by_state', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT state, count(*) FROM seen GROUP BY 1) g (k, n)),
    'by_name', (SELECT coalesce(jsonb_object_agg(k, n), '{}') FROM (SELECT name, count(*) FROM seen GROUP BY 1) g (k, n)),
    'new_count', (SELECT count(*) FROM seen WHERE is_new),
    'regressed_count', (SELECT count(*) FROM seen WHERE state = 'regressed'),
    'new', (SELECT coalesce(jsonb_agg(to_jsonb(n) - 'is_new' ORDER BY n.first_seen DESC), '[]')
              FROM (SELECT * FROM seen WHERE is_new ORDER BY first_seen DESC LIMIT 50) n),
    'regressed', (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'is_new' ORDER BY r.last_seen DESC), '[]')
                    FROM (SELECT * FROM seen WHERE state = 'regressed' ORDER BY last_seen DESC LIMIT 50) r))::text
