-- What is shown of an issue beside its sums, for those that are shown alone: as functions that are dear, after ORDER BY and LIMIT. Each
-- asks by the issue's key.
CREATE OR REPLACE FUNCTION observa_internal.issue_samples(tenant uuid, issue uuid) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000
    RETURN (SELECT array_agg(r.trace_id ORDER BY r.last_seen DESC, r.place)
              FROM (SELECT u.trace_id, u.last_seen, u.place
                      FROM (SELECT t.trace_id, max(d.last_seen) AS last_seen, min(-t.place) AS place
                              FROM observa_internal.issue_deltas d
                             CROSS JOIN LATERAL unnest(d.sample_trace_ids) WITH ORDINALITY AS t (trace_id, place)
                             WHERE d.tenant_id = tenant AND d.issue_id = issue
                             GROUP BY t.trace_id
                            UNION ALL
                            SELECT t.trace_id, i.last_seen, min(t.place)
                              FROM observa_internal.issues i
                             CROSS JOIN LATERAL unnest(i.sample_trace_ids) WITH ORDINALITY AS t (trace_id, place)
                             WHERE i.tenant_id = tenant AND i.issue_id = issue
                             GROUP BY t.trace_id, i.last_seen) u
                     ORDER BY u.last_seen DESC, u.place
                     LIMIT 5) r);
COMMENT ON FUNCTION observa_internal.issue_samples(uuid, uuid) IS 'Some of an issue''s last traces, the newest first; NULL: it has none';

CREATE OR REPLACE FUNCTION observa_internal.issue_users(tenant uuid, issue uuid) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000
    RETURN (SELECT coalesce(observa.distinct_count(observa.merge(u.users::observa.distinct_values)), 0)
              FROM (SELECT i.users FROM observa_internal.issues i WHERE i.tenant_id = tenant AND i.issue_id = issue
                    UNION ALL
                    SELECT d.users FROM observa_internal.issue_deltas d WHERE d.tenant_id = tenant AND d.issue_id = issue) u);
COMMENT ON FUNCTION observa_internal.issue_users(uuid, uuid) IS 'How many end users an issue has met, as exact as a sketch is';

CREATE OR REPLACE FUNCTION observa_internal.issue_trend(tenant uuid, issue uuid) RETURNS integer[]
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000
    RETURN (SELECT array_agg(coalesce(c.count, 0)::integer ORDER BY n)
              FROM generate_series(23, 0, -1) AS ago (hours)
             CROSS JOIN LATERAL (SELECT date_bin('1 hour', now(), '2000-01-01 00:00:00+00') - make_interval(hours => ago.hours)) AS h (n)
              LEFT JOIN (SELECT p.hour, sum(p.count) AS count
                           FROM (SELECT o.hour, o.count FROM observa_internal.issue_hours o
                                  WHERE o.tenant_id = tenant AND o.issue_id = issue
                                 UNION ALL
                                 SELECT d.hour, d.count FROM observa_internal.issue_deltas d
                                  WHERE d.tenant_id = tenant AND d.issue_id = issue) p
                          GROUP BY p.hour) c ON c.hour = h.n);
COMMENT ON FUNCTION observa_internal.issue_trend(uuid, uuid) IS 'Signals of an issue in each of the last 24 hours in UTC, the last one being the hour that runs';
REVOKE ALL ON FUNCTION observa_internal.issue_samples(uuid, uuid), observa_internal.issue_users(uuid, uuid),
    observa_internal.issue_trend(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.issue_samples(uuid, uuid), observa_internal.issue_users(uuid, uuid),
    observa_internal.issue_trend(uuid, uuid) TO observa_read;

CREATE OR REPLACE VIEW observa.issues WITH (security_invoker = true) AS
SELECT coalesce(i.name, d.name) AS name,
       CASE greatest(i.severity, d.severity) WHEN 3 THEN 'high' WHEN 2 THEN 'medium' ELSE 'low' END AS severity,
       coalesce(i.count, 0) + coalesce(d.count, 0) AS count, least(i.first_seen, d.first_seen) AS first_seen,
       greatest(i.last_seen, d.last_seen) AS last_seen,
       observa_internal.issue_samples(coalesce(i.tenant_id, d.tenant_id), coalesce(i.issue_id, d.issue_id)) COLLATE "C" AS sample_trace_ids,
       coalesce(i.subject, d.subject) AS subject,
       observa_internal.issue_users(coalesce(i.tenant_id, d.tenant_id), coalesce(i.issue_id, d.issue_id)) AS users,
       coalesce(i.environment, d.environment) AS environment, coalesce(i.tenant_id, d.tenant_id) AS tenant_id,
       coalesce(i.project_id, d.project_id) AS project_id, coalesce(i.issue_id, d.issue_id) AS id, coalesce(d.title, i.title) AS title,
       CASE WHEN t.state = 'resolved' AND greatest(i.last_arrived, d.last_arrived) > t.decided_at THEN 'regressed'
            WHEN t.state = 'ignored' AND t.until <= now() THEN 'open'
            ELSE coalesce(t.state, 'open') END AS state,
       observa_internal.issue_trend(coalesce(i.tenant_id, d.tenant_id), coalesce(i.issue_id, d.issue_id)) AS trend,
       t.decided_at, t.decided_by, t.until AS ignored_until, t.note
  FROM observa_internal.issues i
  FULL JOIN (SELECT n.tenant_id, n.issue_id, n.project_id, min(n.environment) AS environment, min(n.name) AS name, min(n.subject) AS subject,
                    min(n.title) AS title, max(n.severity) AS severity, sum(n.count)::bigint AS count, min(n.first_seen) AS first_seen,
                    max(n.last_seen) AS last_seen, max(n.arrived) AS last_arrived
               FROM observa_internal.issue_deltas n
              GROUP BY n.tenant_id, n.issue_id, n.project_id) d ON d.tenant_id = i.tenant_id AND d.issue_id = i.issue_id
  LEFT JOIN observa_internal.issue_states t
    ON t.tenant_id = coalesce(i.tenant_id, d.tenant_id) AND t.issue_id = coalesce(i.issue_id, d.issue_id);
COMMENT ON VIEW observa.issues IS 'Issues: signals that a person would call one problem, by name, subject and what their errors say

observa.resolve_issue(id), observa.ignore_issue(id) and observa.reopen_issue(id) decide about one. What is counted outlives the signals.';
COMMENT ON COLUMN observa.issues.severity IS 'The worst of its signals'': low, medium, high';
COMMENT ON COLUMN observa.issues.sample_trace_ids IS 'Up to five of its last traces, the newest first; NULL: no signal had one';
COMMENT ON COLUMN observa.issues.subject IS 'What it is about, as alert_group in observa.signals';
COMMENT ON COLUMN observa.issues.users IS 'End users that it has met: by a sketch, exact to 0.8 %';
COMMENT ON COLUMN observa.issues.id IS 'The same for the same problem, as issue_id in observa.signals';
COMMENT ON COLUMN observa.issues.title IS 'What its errors say, without ids, numbers and quotes; else what its signals are called';
COMMENT ON COLUMN observa.issues.state IS 'open; resolved; regressed: a signal came after it was resolved; ignored';
COMMENT ON COLUMN observa.issues.trend IS 'Signals in each of the last 24 hours of the clock in UTC, by the events'' times; the last one is the hour that runs';
COMMENT ON COLUMN observa.issues.decided_at IS 'When somebody resolved or ignored it last; NULL: it is open, and nobody has';
COMMENT ON COLUMN observa.issues.decided_by IS 'login, key or member, and which; NULL: nobody';
COMMENT ON COLUMN observa.issues.ignored_until IS 'NULL: it is not ignored, or until somebody reopens it';
COMMENT ON COLUMN observa.issues.note IS 'What was said of the decision; NULL: nothing';
