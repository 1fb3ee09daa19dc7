-- Answers of the acting tenant that are another than they were: $1 id, $2 project, $3 environment, $4 model, $5 route (empty: unknown), $6 value,
-- $7 threshold, $8 details. It is told once a day for each thing that has shifted. The table's trigger raises the alert.
INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, value, threshold,
       alert_group, alert_key, model, route, details, issue_id)
SELECT observa.current_tenant(), pg_catalog.clock_timestamp(), $1, $2, $3, 'model_drift', 'quality', 'medium', $6, $7, g.name, k.key,
       nullif($4, ''), nullif($5, ''), $8,
       observa_internal.issue_of($2, $3, 'model_drift', g.name, $8)
  FROM (SELECT pg_catalog.concat_ws(' ', 'model=' || nullif($4, ''), 'route=' || nullif($5, '')) AS name) g
 CROSS JOIN LATERAL (SELECT pg_catalog.md5(pg_catalog.concat_ws('/', 'drift', $2::text, $3, g.name))::uuid AS key) k
 WHERE NOT EXISTS (SELECT FROM observa_internal.signals s
                    WHERE s.tenant_id = observa.current_tenant() AND s.alert_key = k.key AND s.ts > pg_catalog.now() - interval '20 hours'
                      AND s.details ->> 'what' = $8 ->> 'what')
RETURNING signal_id
