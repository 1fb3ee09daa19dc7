-- $1 project, $2 USD that it may spend in a day, if it does not say it itself.
SELECT EXISTS (SELECT FROM observa_internal.projects p
                 JOIN observa_internal.analysis_spend s ON s.tenant_id = p.tenant_id AND s.project_id = p.project_id
                WHERE p.tenant_id = observa.current_tenant() AND p.project_id = $1
                  AND s.day = (pg_catalog.now() AT TIME ZONE 'UTC')::date AND s.cost_usd >= coalesce(p.judge_budget_usd, $2))
