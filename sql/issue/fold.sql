-- Moves at most $1 deltas of the acting tenant into its issues; how many it were. Hours before the trend's are not kept.
WITH taken AS MATERIALIZED (
    DELETE FROM observa_internal.issue_deltas d
     WHERE d.tenant_id = observa.current_tenant()
       AND (d.issue_id, d.delta_id) IN (SELECT n.issue_id, n.delta_id FROM observa_internal.issue_deltas n
                                         WHERE n.tenant_id = observa.current_tenant() LIMIT $1)
    RETURNING d.*
), samples AS (
    SELECT r.issue_id, pg_catalog.array_agg(r.trace_id ORDER BY r.place) AS trace_ids
      FROM (SELECT t.issue_id, u.trace_id, pg_catalog.row_number() OVER (PARTITION BY t.issue_id ORDER BY t.last_seen DESC, u.place DESC) AS place
              FROM taken t
             CROSS JOIN LATERAL pg_catalog.unnest(t.sample_trace_ids) WITH ORDINALITY AS u (trace_id, place)) r
     WHERE r.place <= 5
     GROUP BY r.issue_id
), sums AS (
    SELECT t.tenant_id, t.issue_id, t.project_id, pg_catalog.min(t.environment) AS environment, pg_catalog.min(t.name) AS name,
           pg_catalog.min(t.subject) AS subject, (pg_catalog.array_agg(t.title ORDER BY t.arrived DESC))[1] AS title,
           pg_catalog.max(t.severity) AS severity, pg_catalog.sum(t.count)::bigint AS count, pg_catalog.min(t.first_seen) AS first_seen,
           pg_catalog.max(t.last_seen) AS last_seen, pg_catalog.max(t.arrived) AS last_arrived,
           observa.merge(t.users::observa.distinct_values)::bytea AS users
      FROM taken t
     GROUP BY t.tenant_id, t.issue_id, t.project_id
), folded AS (
    INSERT INTO observa_internal.issues AS i (tenant_id, issue_id, project_id, environment, name, subject, title, severity, count, first_seen,
           last_seen, last_arrived, sample_trace_ids, users)
    SELECT s.tenant_id, s.issue_id, s.project_id, s.environment, s.name, s.subject, s.title, s.severity, s.count, s.first_seen, s.last_seen,
           s.last_arrived, coalesce(p.trace_ids, '{}'), s.users
      FROM sums s
      LEFT JOIN samples p ON p.issue_id = s.issue_id
     ORDER BY s.tenant_id, s.issue_id
        ON CONFLICT (tenant_id, issue_id) DO UPDATE
       SET title = excluded.title,
           severity = greatest(i.severity, excluded.severity),
           count = i.count + excluded.count,
           first_seen = least(i.first_seen, excluded.first_seen),
           last_seen = greatest(i.last_seen, excluded.last_seen),
           last_arrived = greatest(i.last_arrived, excluded.last_arrived),
           sample_trace_ids = (excluded.sample_trace_ids || i.sample_trace_ids)[1:5],
           users = observa_internal.add_distinct(i.users::observa.distinct_values, excluded.users::observa.distinct_values)::bytea
), hours AS (
    INSERT INTO observa_internal.issue_hours AS h (tenant_id, issue_id, hour, count)
    SELECT t.tenant_id, t.issue_id, t.hour, pg_catalog.sum(t.count)::bigint
      FROM taken t
     WHERE t.hour > pg_catalog.now() - interval '25 hours'
     GROUP BY t.tenant_id, t.issue_id, t.hour
     ORDER BY t.tenant_id, t.issue_id, t.hour
        ON CONFLICT (tenant_id, issue_id, hour) DO UPDATE SET count = h.count + excluded.count
)
SELECT pg_catalog.count(*) FROM taken
