-- $1 project, $2 calls, $3 USD as text, which is exact.
INSERT INTO observa_internal.analysis_spend AS s (tenant_id, project_id, day, calls, cost_usd)
VALUES (observa.current_tenant(), $1, (pg_catalog.now() AT TIME ZONE 'UTC')::date, $2, $3::numeric)
    ON CONFLICT (tenant_id, project_id, day) DO UPDATE
   SET calls = s.calls + excluded.calls, cost_usd = s.cost_usd + excluded.cost_usd
