-- $1 tenant, NULL: all. $2 most dead letters that a tenant has.
SELECT pg_catalog.jsonb_build_object(
    'notifications', (
        SELECT pg_catalog.jsonb_build_object(
                   'pending', pg_catalog.count(*) FILTER (WHERE n.state IN ('pending', 'sending')),
                   'oldest_pending', pg_catalog.min(n.created_at) FILTER (WHERE n.state IN ('pending', 'sending') AND w.enabled),
                   'failed_last_day', pg_catalog.count(*) FILTER (WHERE n.state = 'failed' AND n.finished_at > pg_catalog.now() - interval '1 day'),
                   'late', pg_catalog.count(*) FILTER (WHERE n.state IN ('pending', 'sending') AND w.enabled
                                                         AND n.next_attempt < pg_catalog.now() - interval '10 minutes'))
          FROM observa_internal.notifications n
          JOIN observa_internal.webhooks w ON w.tenant_id = n.tenant_id AND w.webhook_id = n.webhook_id
         WHERE $1 IS NULL OR n.tenant_id = $1),
    'dead_letters', (
        SELECT pg_catalog.jsonb_build_object(
                   'count', coalesce(pg_catalog.sum(t.letters), 0), 'oldest', pg_catalog.min(t.oldest),
                   'tenants_without_room', pg_catalog.count(*) FILTER (WHERE t.letters >= $2))
          FROM (SELECT pg_catalog.count(*) AS letters, pg_catalog.min(r.created_at) AS oldest
                  FROM observa_internal.rejected_events r
                 WHERE $1 IS NULL OR r.tenant_id = $1
                 GROUP BY r.tenant_id) t),
    'rollups', (
        SELECT pg_catalog.jsonb_build_object('damaged_deltas', pg_catalog.count(*), 'oldest_damaged', pg_catalog.min(d.added_at))
          FROM observa_internal.damaged_deltas d
         WHERE $1 IS NULL OR d.tenant_id = $1),
    'quotas', (
        SELECT pg_catalog.jsonb_build_object('projects', pg_catalog.count(*),
                   'over_80_percent', pg_catalog.count(*) FILTER (WHERE q.used >= 0.8 * q.quota AND q.used < q.quota),
                   'exhausted', pg_catalog.count(*) FILTER (WHERE q.used >= q.quota))
          FROM (SELECT p.monthly_events AS quota, coalesce(pg_catalog.sum(u.events), 0) AS used
                  FROM observa_internal.projects p
                  LEFT JOIN (SELECT tenant_id, project_id, month, events FROM observa_internal.usage
                             UNION ALL
                             SELECT tenant_id, project_id, month, events FROM observa_internal.usage_deltas) u
                    ON u.tenant_id = p.tenant_id AND u.project_id = p.project_id
                       AND u.month = pg_catalog.date_trunc('month', pg_catalog.now() AT TIME ZONE 'UTC')::date
                 WHERE p.monthly_events IS NOT NULL AND ($1 IS NULL OR p.tenant_id = $1)
                 GROUP BY p.tenant_id, p.project_id, p.monthly_events) q))
