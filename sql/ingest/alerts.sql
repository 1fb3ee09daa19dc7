-- new_signals: the rows that the statement inserted. An alert is only ever inserted, for a rule and group without an open
-- one: of most signals nothing but their key is read. Whoever does not get the lock leaves it to the other transaction: to wait for its commit would make two clients
-- wait for each other, and its own would be lost if that one rolls back: so its signal is kept in alert_candidates, which the
-- job reads. With the lock held, a conflict is with a committed row, and costs nothing.
--
-- A lock for each of thousands of alerts would use up the server's. So each is in one of its tenant's 64 buckets. Few alerts
-- take a lock each, and share their bucket; many take whole buckets, and single locks only in those that others share.
unopened AS MATERIALIZED (
    SELECT k.tenant_id, k.alert_key
      FROM (SELECT DISTINCT s.tenant_id, s.alert_key FROM new_signals s WHERE s.alert_key IS NOT NULL) k
     WHERE NOT EXISTS (SELECT FROM observa_internal.alerts a
                        WHERE a.tenant_id = k.tenant_id AND a.alert_key = k.alert_key
                          AND a.status IN ('active', 'acknowledged'))
), candidate AS MATERIALIZED (
    SELECT s.tenant_id, s.alert_key, s.project_id, s.environment, s.name AS rule, s.alert_group,
           pg_catalog.bool_or(s.severity = 'high') AS critical, pg_catalog.min(s.type) AS source,
           pg_catalog.max(s.value) AS value, pg_catalog.min(s.threshold) AS threshold, pg_catalog.min(s.ts) AS first_seen,
           (pg_catalog.array_agg(s.signal_id ORDER BY s.signal_id))[1] AS opened,
           (pg_catalog.array_agg(s.ts ORDER BY s.signal_id))[1] AS opened_ts,
           (pg_catalog.array_agg(s.trace_id ORDER BY s.ts, s.signal_id) FILTER (WHERE s.trace_id IS NOT NULL))[1] AS trace_id,
           (pg_catalog.array_agg(s.details ->> 'unit'))[1] AS unit,
           (pg_catalog.array_agg(s.details ->> 'explanation' ORDER BY s.ts, s.signal_id))[1] AS explanation,
           (pg_catalog.array_agg(s.details ->> 'error_message' ORDER BY s.ts, s.signal_id))[1] AS error_message
      FROM new_signals s
     -- Hashed whatever the planner thinks of its size: IS TRUE keeps it from being a join. The plan is kept, of a first batch that may have had one signal.
     WHERE ((s.tenant_id, s.alert_key) IN (SELECT u.tenant_id, u.alert_key FROM unopened u)) IS TRUE
     GROUP BY s.tenant_id, s.alert_key, s.project_id, s.environment, s.name, s.alert_group
), missing AS MATERIALIZED (
    SELECT c.*,
           pg_catalog.hashtextextended(c.tenant_id::text || c.alert_key::text, 0) AS lock,
           pg_catalog.hashtextextended(c.tenant_id::text, 1 + (pg_catalog.uuid_hash(c.alert_key) & 63)) AS bucket
      FROM candidate c
     WHERE NOT EXISTS (SELECT FROM observa_internal.rule_mutes u
                        WHERE u.tenant_id = c.tenant_id AND u.rule = c.rule AND (u.alert_group IS NULL OR u.alert_group = c.alert_group)
                          AND u.until > pg_catalog.now())
), bucket AS MATERIALIZED (
    SELECT b.bucket,
           CASE WHEN b.many AND observa_internal.try_lock(b.bucket, shared => false) THEN 'whole'
                WHEN observa_internal.try_lock(b.bucket, shared => true) THEN 'shared' END AS held
      FROM (SELECT m.bucket, (SELECT pg_catalog.count(*) FROM missing) > 250 AS many FROM missing m GROUP BY m.bucket) b
), own AS MATERIALIZED (
    SELECT m.*, b.held,
           -- 1,000 single locks at most, should others share every bucket.
           pg_catalog.row_number() OVER (PARTITION BY b.held ORDER BY m.tenant_id, m.alert_key) <= 1000 AS fits
      FROM missing m JOIN bucket b ON b.bucket = m.bucket
     WHERE b.held IS NOT NULL
), decided AS MATERIALIZED (
    SELECT o.*, CASE WHEN o.held = 'whole' THEN true
                     ELSE o.fits AND observa_internal.try_lock(o.lock, shared => false) END AS is_ours
      FROM own o
), raised AS (
    INSERT INTO observa_internal.alerts (tenant_id, project_id, environment, rule, alert_group, alert_key, title,
           description, severity, source, current_value, raised_value, threshold_value, first_seen, opened,
           trace_id)
    SELECT o.tenant_id, o.project_id, o.environment, o.rule, o.alert_group, o.alert_key,
           pg_catalog.btrim(pg_catalog.replace(o.rule, '_', ' ') || ': ' || o.alert_group, ': '),
           CASE WHEN o.explanation IS NOT NULL THEN o.explanation
                WHEN o.threshold IS NOT NULL
                THEN pg_catalog.format('%s %s is over the threshold of %s', pg_catalog.round(o.value::numeric, 4)::double precision,
                                       o.unit, o.threshold)
                ELSE coalesce(o.error_message, d.description, o.rule) END,
           CASE WHEN o.critical THEN 'critical' ELSE 'warning' END, o.source, o.value, o.value, o.threshold,
           o.first_seen, o.opened, o.trace_id
      FROM decided o
      LEFT JOIN observa_internal.default_rules() d ON d.name = o.rule
     WHERE o.is_ours
     ORDER BY o.tenant_id, o.alert_key
        ON CONFLICT (tenant_id, alert_key) WHERE status IN ('active', 'acknowledged') DO NOTHING
    RETURNING alert_id
), kept AS (
    INSERT INTO observa_internal.alert_candidates (tenant_id, signal_id, ts)
    SELECT m.tenant_id, m.opened, m.opened_ts
      FROM missing m
     WHERE NOT EXISTS (SELECT FROM decided o WHERE o.is_ours AND o.tenant_id = m.tenant_id AND o.alert_key = m.alert_key)
)
SELECT alert_id FROM raised
