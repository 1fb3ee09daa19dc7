-- Tenants with something that is not folded into issues yet.
SELECT d.tenant_id FROM observa_internal.issue_deltas d
UNION
SELECT b.tenant_id FROM observa_internal.issue_backfills b
