-- $1: the new row of the view, $2 its user as events have it. The tenant is the acting one.
INSERT INTO observa_internal.budgets (tenant_id, project_id, name, model, user_id, tag, value, period, amount_usd, warn_percent, enabled,
       hard_stop)
SELECT observa.current_tenant(), (n.row ->> 'project_id')::uuid, n.row ->> 'name', n.row ->> 'model', $2, n.row ->> 'tag', n.row ->> 'value',
       n.row ->> 'period', (n.row ->> 'amount_usd')::numeric, coalesce((n.row ->> 'warn_percent')::integer, 80),
       coalesce((n.row ->> 'enabled')::boolean, true), coalesce((n.row ->> 'hard_stop')::boolean, false)
  FROM (SELECT $1::jsonb AS row) n
