-- All projects: what each keeps, and the day and the bounds of its last finished pass.
SELECT p.tenant_id, p.project_id, p.retention_days, p.payload_retention_days, d.done_on - '1970-01-01'::date, d.days, d.payload_days
  FROM observa_internal.projects p
  LEFT JOIN observa_internal.retention_passes d ON d.tenant_id = p.tenant_id AND d.project_id = p.project_id
 ORDER BY p.tenant_id, p.project_id
