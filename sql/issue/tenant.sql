SELECT i.tenant_id FROM observa_internal.issues i WHERE i.issue_id = $1
UNION ALL
SELECT d.tenant_id FROM observa_internal.issue_deltas d WHERE d.issue_id = $1
