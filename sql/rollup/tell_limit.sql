-- $1 id of the signal, $2 what there is most of, $3 how many. A low one, once a day: nothing is lost but names.
INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, value, threshold,
       alert_group, details)
SELECT p.tenant_id, pg_catalog.clock_timestamp(), $1, p.project_id, p.environment, 'metrics_limit', 'usage', 'low', $3, $3, $2,
       pg_catalog.jsonb_build_object('unit', $2)
  FROM observa_internal.projects p
 WHERE p.tenant_id = observa.current_tenant()
   AND NOT EXISTS (SELECT FROM observa_internal.signals s
                    WHERE s.tenant_id = p.tenant_id AND s.name = 'metrics_limit' AND s.alert_group = $2
                      AND s.ts > pg_catalog.now() - interval '1 day')
 ORDER BY p.created_at, p.project_id
 LIMIT 1
