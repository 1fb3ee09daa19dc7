-- $1 tenant, $2 project or NULL: open alerts, the most severe first, and open issues, those seen last first.
-- $3 whether who asks may read texts: titles say what errors said.
SELECT (SELECT coalesce(json_agg(json_build_object(
                   'title', left(CASE WHEN $3 THEN a.title ELSE a.rule END, 300), 'description', CASE WHEN $3 THEN left(a.description, 400) END, 'severity', a.severity, 'status', a.status,
                   'occurrences', coalesce(a.occurrences, 0), 'last_seen', to_char(a.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                   'assignee', left(a.assignee, 200), 'trace_id', a.trace_id)), '[]')
          FROM (SELECT l.title, l.description, l.severity, l.status, l.occurrences, l.last_seen, l.assignee, l.trace_id, l.rule
                  FROM observa.alerts l
                 WHERE l.tenant_id = $1 AND ($2 IS NULL OR l.project_id = $2) AND l.status IN ('active', 'acknowledged')
                 ORDER BY array_position(ARRAY['critical', 'warning', 'info'], l.severity), l.created_at DESC
                 LIMIT 10) a)::text,
       (SELECT coalesce(json_agg(json_build_object(
                   'title', left(CASE WHEN $3 THEN i.title ELSE i.name END, 300), 'subject', left(i.subject, 200), 'severity', i.severity, 'state', i.state, 'count', i.count,
                   'users', coalesce(i.users, 0), 'last_seen', to_char(i.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                   'trace_id', i.sample_trace_ids[1])), '[]')
          FROM (SELECT s.title, s.name, s.subject, s.severity, s.state, s.count, s.users, s.last_seen, s.sample_trace_ids
                  FROM observa.issues s
                 WHERE s.tenant_id = $1 AND ($2 IS NULL OR s.project_id = $2) AND s.state IN ('open', 'regressed')
                 ORDER BY s.last_seen DESC
                 LIMIT 10) i)::text
