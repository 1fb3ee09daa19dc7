-- $1 project, $2 environment; issues of failures that had a signal from $4 on, before $5; $9 of them, the most frequent.
SELECT jsonb_build_object('since', $4, 'until', $5, 'rows', coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.count DESC, s.id), '[]'))
  FROM (SELECT i.id, i.name, i.title, i.subject, i.severity, i.state, i.count, i.first_seen, i.last_seen
          FROM observa.issues i
         WHERE i.name IN ('llm_error', 'tool_error', 'tool_timeout', 'error_event') AND i.last_seen >= $4 AND i.first_seen < $5
           AND ($1 IS NULL OR i.project_id = $1) AND ($2 IS NULL OR i.environment = $2)
         ORDER BY i.count DESC, i.id LIMIT $9) s
