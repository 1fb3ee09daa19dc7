-- $1: the new row of the view, $2 its user as events have it, $3 its id. What is another budget now is told of again.
UPDATE observa_internal.budgets b
   SET project_id = n.project_id, name = n.name, model = n.model, user_id = n.user_id, tag = n.tag, value = n.value, period = n.period,
       amount_usd = n.amount_usd, warn_percent = n.warn_percent, enabled = n.enabled,
       hard_stop = n.hard_stop, changed_at = pg_catalog.now(),
       told_in = CASE WHEN (b.project_id, b.model, b.user_id, b.tag, b.value, b.period, b.amount_usd, b.warn_percent)
                           IS NOT DISTINCT FROM (n.project_id, n.model, n.user_id, n.tag, n.value, n.period, n.amount_usd, n.warn_percent)
                      THEN b.told_in END
  FROM (SELECT (r.row ->> 'project_id')::uuid AS project_id, r.row ->> 'name' AS name, r.row ->> 'model' AS model, $2 AS user_id,
               r.row ->> 'tag' AS tag, r.row ->> 'value' AS value, r.row ->> 'period' AS period,
               (r.row ->> 'amount_usd')::numeric AS amount_usd, coalesce((r.row ->> 'warn_percent')::integer, 80) AS warn_percent,
               coalesce((r.row ->> 'enabled')::boolean, true) AS enabled,
               coalesce((r.row ->> 'hard_stop')::boolean, false) AS hard_stop
          FROM (SELECT $1::jsonb AS row) r) n
 WHERE b.tenant_id = observa.current_tenant() AND b.budget_id = $3
