-- Of the events themselves, which rollups know by type alone: $1 project, $2 environment, from $4 on, before $5.
WITH told AS (
    SELECT p.attributes ->> 'type' AS type, p.attributes ->> 'outcome' AS outcome, observa_internal.number(p.attributes ->> 'rating') AS rating, count(*) AS count
      FROM observa_internal.events e
      LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
     WHERE e.event_type = 'feedback' AND e.ts >= $4 AND e.ts < $5
       AND ($1 IS NULL OR e.project_id = $1) AND ($2 IS NULL OR e.environment = $2)
     GROUP BY 1, 2, 3
)
SELECT jsonb_build_object(
    'since', $4, 'until', $5, 'count', coalesce(sum(t.count), 0),
    'likes', coalesce(sum(t.count) FILTER (WHERE t.type = 'like'), 0), 'dislikes', coalesce(sum(t.count) FILTER (WHERE t.type = 'dislike'), 0),
    'corrections', coalesce(sum(t.count) FILTER (WHERE t.type = 'correction'), 0),
    'like_rate', sum(t.count) FILTER (WHERE t.type = 'like') / nullif(sum(t.count) FILTER (WHERE t.type IN ('like', 'dislike')), 0)::double precision,
    'ratings', coalesce(sum(t.count) FILTER (WHERE t.rating IS NOT NULL), 0),
    'rating_avg', (sum(t.rating * t.count) / nullif(sum(t.count) FILTER (WHERE t.rating IS NOT NULL), 0))::double precision,
    'rows', coalesce(jsonb_agg(jsonb_build_object('type', t.type, 'outcome', t.outcome, 'rating', t.rating, 'count', t.count)
                               ORDER BY t.type, t.outcome, t.rating), '[]'))
  FROM told t
