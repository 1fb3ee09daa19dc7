-- $1 tenant, $2 project or NULL, $3 since, $4 until, $5 whether who asks may read texts: the newest conversations, each with what was said last.
WITH newest AS MATERIALIZED (
    SELECT n.*
      FROM (SELECT c.id, c.user_id, c.first_seen, c.last_seen, c.message_count, c.tokens, c.cost_usd, c.has_issues, c.project_id
              FROM observa.conversations c
             WHERE c.tenant_id = $1 AND c.last_seen >= $3 AND c.last_seen < $4
             ORDER BY c.last_seen DESC
             LIMIT 200) n
     WHERE $2 IS NULL OR n.project_id = $2
     ORDER BY n.last_seen DESC
     LIMIT 8
)
SELECT coalesce(json_agg(json_build_object(
           'id', n.id, 'user_id', left(n.user_id, 200), 'last_seen', to_char(n.last_seen AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
           'messages', coalesce(n.message_count, 0), 'tokens', coalesce(n.tokens, 0), 'cost', n.cost_usd, 'has_issues', coalesce(n.has_issues, false),
           'said', coalesce(s.said, '[]')) ORDER BY n.last_seen DESC), '[]')::text
  FROM newest n
  LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object('role', m.role, 'content', left(m.content, 300)) ORDER BY e.ts, e.event_id, m.part)
                   FILTER (WHERE m.content IS NOT NULL) AS said
          FROM (SELECT v.ts, v.event_id, CASE WHEN $5 THEN v.input END AS input, CASE WHEN $5 THEN v.output END AS output
                  FROM observa.events v
                 WHERE v.tenant_id = $1 AND v.project_id = n.project_id AND v.conversation_id = n.id AND v.event_type = 'llm_call'
                   AND v.ts >= n.first_seen AND v.ts <= n.last_seen
                 ORDER BY v.ts DESC, v.event_id DESC
                 LIMIT 3) e
         CROSS JOIN LATERAL (VALUES (0, 'user', observa_internal.last_message(e.input, 'user')),
                                    (1, 'assistant', observa_internal.last_message(e.output, 'assistant'))) AS m (part, role, content)) s ON true
