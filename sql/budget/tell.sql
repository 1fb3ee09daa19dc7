-- Budgets of the acting tenant that have reached a level which was not told of in their period: what was told, the level, and what a
-- signal needs. A level is told of once in a period, whatever corrections take out meanwhile. What is not folded yet is of the next round.
WITH level AS (
    SELECT b.tenant_id, b.budget_id, p.since, p.until, s.spent_usd, home.project_id, home.environment,
           CASE WHEN b.told_in = p.since THEN b.told ELSE 0 END AS told,
           CASE WHEN s.spent_usd >= b.amount_usd THEN 2
                WHEN s.spent_usd * 100 >= b.amount_usd * b.warn_percent THEN 1 ELSE 0 END::smallint AS reached
      FROM observa_internal.budgets b
     CROSS JOIN LATERAL (SELECT pg_catalog.date_trunc(b.period, pg_catalog.now(), 'UTC') AS since,
                                (pg_catalog.date_trunc(b.period, pg_catalog.now() AT TIME ZONE 'UTC') + ('1 ' || b.period)::interval)
                                    AT TIME ZONE 'UTC' AS until) p
     CROSS JOIN LATERAL (SELECT observa_internal.folded_spending(b.tenant_id, b.project_id, b.model, b.user_id, b.tag, b.value, p.since,
                                                                 p.until) AS spent_usd OFFSET 0) s
      -- A signal is of a project: of a whole tenant's budget the first one.
     CROSS JOIN LATERAL (SELECT j.project_id, j.environment FROM observa_internal.projects j
                          WHERE j.tenant_id = b.tenant_id AND (b.project_id IS NULL OR j.project_id = b.project_id)
                          ORDER BY j.created_at, j.project_id LIMIT 1) home
     WHERE b.tenant_id = observa.current_tenant() AND b.enabled
)
UPDATE observa_internal.budgets b
   SET told = level.reached, told_in = level.since
  FROM level
 WHERE b.tenant_id = level.tenant_id AND b.budget_id = level.budget_id AND level.reached > level.told
RETURNING b.budget_id, b.name, level.project_id, level.environment, level.told::smallint, level.reached, level.spent_usd::double precision,
          b.amount_usd::double precision, b.warn_percent,
          pg_catalog.jsonb_build_object('unit', 'USD', 'budget', b.name, 'budget_id', b.budget_id, 'project_id', b.project_id,
                                        'amount_usd', b.amount_usd, 'spent_usd', level.spent_usd, 'warn_percent', b.warn_percent,
                                        'period', b.period, 'period_start', level.since, 'period_end', level.until)
