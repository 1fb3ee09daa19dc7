CREATE OR REPLACE VIEW observa.issues WITH (security_invoker = true) AS
SELECT s.name,
       CASE max(CASE s.severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END)
            WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS severity,
       count(*) AS count, min(s.ts) AS first_seen, max(s.ts) AS last_seen,
       (array_agg(s.trace_id ORDER BY s.ts DESC) FILTER (WHERE s.trace_id IS NOT NULL))[1:5] AS sample_trace_ids,
       s.alert_group AS subject, count(DISTINCT s.user_id) AS users, s.environment, s.tenant_id, s.project_id
  FROM observa_internal.signals s
 GROUP BY s.tenant_id, s.project_id, s.environment, s.name, s.alert_group
; ALTER VIEW observa.issues OWNER TO observa_owner
