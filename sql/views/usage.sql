CREATE OR REPLACE VIEW observa.usage WITH (security_invoker = true) AS
SELECT u.project_id, u.month, pg_catalog.sum(u.events)::bigint AS events, p.monthly_events AS quota, u.tenant_id
  FROM (SELECT tenant_id, project_id, month, events FROM observa_internal.usage
        UNION ALL
        SELECT tenant_id, project_id, month, events FROM observa_internal.usage_deltas) u
  LEFT JOIN observa_internal.projects p ON p.tenant_id = u.tenant_id AND p.project_id = u.project_id
 GROUP BY u.tenant_id, u.project_id, u.month, p.monthly_events;
COMMENT ON VIEW observa.usage IS 'Events that each project has stored, by month

What is stored counts, in the month of its arrival in UTC: neither retries nor rejected lines do. observa.limit_project sets a quota.';
COMMENT ON COLUMN observa.usage.month IS 'Its first day';
COMMENT ON COLUMN observa.usage.quota IS 'Events of a month that the project may store, as it is set now; NULL: no limit';
