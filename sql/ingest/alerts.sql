-- new_signals: the rows that the statement inserted. An alert is only ever inserted, for a rule and group without an open
-- one. Whoever does not get the lock leaves it to the other transaction: to wait for its commit would make two clients
-- wait for each other. With the lock held, a conflict is with a committed row, and costs nothing.
WITH candidate AS MATERIALIZED (
    SELECT s.tenant_id, s.project_id, s.environment, s.name AS rule, s.alert_group,
           pg_catalog.md5(pg_catalog.concat_ws(E'\x1f', s.project_id, s.environment, s.name, s.alert_group))::uuid AS alert_key,
           pg_catalog.bool_or(s.severity = 'high') AS critical, pg_catalog.min(s.type) AS source,
           pg_catalog.max(s.value) AS value, pg_catalog.min(s.threshold) AS threshold, pg_catalog.min(s.ts) AS first_seen,
           (pg_catalog.array_agg(s.trace_id ORDER BY s.ts) FILTER (WHERE s.trace_id IS NOT NULL))[1] AS trace_id,
           (pg_catalog.array_agg(s.details ->> 'unit'))[1] AS unit,
           (pg_catalog.array_agg(s.details ->> 'error_message' ORDER BY s.ts))[1] AS error_message
      FROM new_signals s
     WHERE s.severity IN ('medium', 'high')
     GROUP BY s.tenant_id, s.project_id, s.environment, s.name, s.alert_group
), missing AS MATERIALIZED (
    SELECT c.* FROM candidate c
     WHERE NOT EXISTS (SELECT FROM observa_internal.alerts a
                        WHERE a.tenant_id = c.tenant_id AND a.alert_key = c.alert_key
                          AND a.status IN ('active', 'acknowledged'))
     ORDER BY c.tenant_id, c.alert_key
     -- A lock each: a body with thousands of groups must not use up the server's. The rest comes with the next batch.
     LIMIT 100
), raised AS (
    INSERT INTO observa_internal.alerts (tenant_id, project_id, environment, rule, alert_group, alert_key, title,
           description, severity, source, current_value, threshold_value, first_seen, trace_id)
    SELECT m.tenant_id, m.project_id, m.environment, m.rule, m.alert_group, m.alert_key,
           pg_catalog.btrim(pg_catalog.replace(m.rule, '_', ' ') || ': ' || m.alert_group, ': '),
           CASE WHEN m.threshold IS NOT NULL
                THEN pg_catalog.format('%s %s is over the threshold of %s', pg_catalog.round(m.value::numeric, 4)::double precision,
                                       m.unit, m.threshold)
                ELSE coalesce(m.error_message, d.description, m.rule) END,
           CASE WHEN m.critical THEN 'critical' ELSE 'warning' END, m.source, m.value, m.threshold, m.first_seen,
           m.trace_id
      FROM missing m
      LEFT JOIN observa_internal.default_rules() d ON d.name = m.rule
     WHERE pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(m.tenant_id::text || m.alert_key::text, 0))
     ORDER BY m.tenant_id, m.alert_key
        ON CONFLICT (tenant_id, alert_key) WHERE status IN ('active', 'acknowledged') DO NOTHING
    RETURNING alert_id
)
SELECT pg_catalog.pg_notify('observa_alerts', alert_id::text) FROM raised
