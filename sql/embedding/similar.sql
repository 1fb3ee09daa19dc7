-- $1 tenant, $2 project or NULL, $3 since, $4 until, $5 embedding model, $6 vector, $7 most found, $8 most looked at, $9 event that is left
-- out or NULL. The candidates are newest.sql or near.sql. With the rights of who asks.
SELECT f.event_id, f.ts, f.similarity, pg_catalog.left(coalesce(observa_internal.last_message(p.input, 'user'), p.input), 200),
       e.trace_id, f.model, f.route, f.user_id, f.project_id
  FROM (SELECT s.*, observa_internal.similarity(s.vector, $6) AS similarity
          FROM ({candidates}) s
         ORDER BY similarity DESC NULLS LAST, s.ts DESC, s.event_id
         LIMIT $7) f
  LEFT JOIN observa_internal.events e ON e.tenant_id = f.tenant_id AND e.ts = f.ts AND e.event_id = f.event_id
  LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = f.tenant_id AND n.ts = f.ts AND n.event_id = f.event_id OFFSET 0) p ON true
 WHERE f.similarity IS NOT NULL
 ORDER BY f.similarity DESC, f.ts DESC, f.event_id
