-- Moves what the acting tenant's batches added into one row for each project and month. Commit or rollback decides: nothing is
-- counted twice.
WITH taken AS (
    DELETE FROM observa_internal.usage_deltas WHERE tenant_id = observa.current_tenant()
    RETURNING tenant_id, project_id, month, events
)
INSERT INTO observa_internal.usage AS u (tenant_id, project_id, month, events)
SELECT tenant_id, project_id, month, pg_catalog.sum(events)::bigint FROM taken
 GROUP BY tenant_id, project_id, month
 ORDER BY tenant_id, project_id, month
    ON CONFLICT (tenant_id, project_id, month) DO UPDATE SET events = u.events + excluded.events
