-- $1 kind, $2 USD of a day for projects that do not decide it. With the rights of who asks: of the own tenant, for a superuser of all.
SELECT pg_catalog.jsonb_build_object(
    'host', e.host, 'state', coalesce(e.state, 'closed'), 'failures_in_row', coalesce(e.failures, 0), 'retry_at', e.retry_at,
    'in_flight', coalesce(e.in_flight, 0), 'last_error', e.last_error, 'told_at', e.told_at,
    'vectors', CASE WHEN $1 = 'embedding' THEN (SELECT pg_catalog.count(*) FROM observa.embeddings) END,
    'indexed_dimensions', CASE WHEN $1 = 'embedding' THEN (
        SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.split_part(c.relname, '_', 3)::integer ORDER BY pg_catalog.length(c.relname), c.relname), '[]')
          FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
         WHERE i.indrelid = 'observa_internal.embeddings'::regclass AND i.indisvalid AND c.relname ~ '^embeddings_near_\d{1,4}$') END,
    'queued', j.queued, 'leased', j.leased, 'oldest_s', j.oldest_s, 'failed', j.failed, 'skipped', j.skipped,
    'budgets', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
                           'project_id', b.project_id, 'budget_usd', b.budget_usd, 'spent_usd', b.spent_usd,
                           'left_usd', greatest(0, b.budget_usd - b.spent_usd)) ORDER BY b.project_id), '[]')
                  FROM (SELECT p.id AS project_id, coalesce(p.judge_budget_usd, $2) AS budget_usd, coalesce(s.cost_usd, 0) AS spent_usd
                          FROM observa.projects p
                          LEFT JOIN observa.analysis_spend s ON s.tenant_id = p.tenant_id AND s.project_id = p.id
                                AND s.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date
                         ORDER BY p.id
                         LIMIT 100) b))
  FROM (SELECT pg_catalog.count(*) FILTER (WHERE j.state = 'queued') AS queued,
               pg_catalog.count(*) FILTER (WHERE j.state = 'leased') AS leased,
               pg_catalog.date_part('epoch', pg_catalog.now() - min(j.created_at) FILTER (WHERE j.state = 'queued')) AS oldest_s,
               coalesce(pg_catalog.sum(j.occurrences) FILTER (WHERE j.state = 'failed' AND j.finished_at > pg_catalog.now() - interval '1 day'), 0)
                   AS failed,
               coalesce(pg_catalog.sum(j.occurrences) FILTER (WHERE j.state = 'skipped'), 0) AS skipped
          FROM observa.analysis_jobs j
         WHERE (j.evaluator = 'embedding') = ($1 = 'embedding')) j
  LEFT JOIN observa_internal.analysis_endpoints e ON e.kind = $1
