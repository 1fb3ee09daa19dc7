-- new_signals: the rows that the statement inserted, those of one issue in the order of their times. What several columns of one issue
-- share is taken by min: a group by less is a cheaper one. What a superuser writes into the table for nobody's tenant is no issue's.
INSERT INTO observa_internal.issue_deltas (tenant_id, issue_id, hour, project_id, environment, name, subject, title, severity, count,
       first_seen, last_seen, sample_trace_ids, users)
SELECT g.tenant_id, g.issue_id, g.hour, g.project_id, g.environment, g.name, g.subject,
       observa_internal.issue_title(g.name, g.said), g.severity, g.count, g.first_seen, g.last_seen,
       g.traces[greatest(1, pg_catalog.cardinality(g.traces) - 4):], g.users::bytea
  FROM (SELECT s.tenant_id,
               coalesce(s.issue_id, observa_internal.issue_of(s.project_id, s.environment, s.name, s.alert_group, s.details)) AS issue_id,
               pg_catalog.date_bin('1 hour', s.ts, '2000-01-01 00:00:00+00') AS hour, s.project_id,
               pg_catalog.min(s.environment COLLATE "C") AS environment, pg_catalog.min(s.name COLLATE "C") AS name,
               pg_catalog.min(s.alert_group COLLATE "C") AS subject,
               pg_catalog.min(coalesce(s.details ->> 'error_message', s.details ->> 'error_type') COLLATE "C") AS said,
               pg_catalog.max(CASE s.severity WHEN 'high' THEN 3 WHEN 'medium' THEN 2 ELSE 1 END)::smallint AS severity,
               pg_catalog.count(*) AS count, pg_catalog.min(s.ts) AS first_seen, pg_catalog.max(s.ts) AS last_seen,
               pg_catalog.array_agg(s.trace_id) FILTER (WHERE s.trace_id IS NOT NULL) AS traces,
               observa.distinct_values(observa_internal.veiled(s.tenant_id, s.user_id)) AS users
          FROM new_signals s
         WHERE s.tenant_id = (SELECT observa.current_tenant())
         GROUP BY 1, 2, 3, 4) g
