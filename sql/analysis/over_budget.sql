-- $1 project, $2 USD that it may spend in a day, if it does not say it itself.
SELECT coalesce((SELECT s.cost_usd FROM observa_internal.analysis_spend s
                  WHERE s.tenant_id = p.tenant_id AND s.project_id = p.project_id
                    AND s.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date), 0) >= coalesce(p.judge_budget_usd, $2)
  FROM observa_internal.projects p
 WHERE p.tenant_id = observa.current_tenant() AND p.project_id = $1
