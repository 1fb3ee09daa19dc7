-- Open alerts of the acting tenant about services that are better by now: $1 what services are, from better to worse, $2 the signal of each. Who is
-- silent says nothing of what was before. One that became better more than once within an hour has to be it for five minutes, and for twice as long each
-- time, up to 40: until then what comes back is the same alert.
WITH kind AS (
    SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (state, signal, place)
), last AS (
    SELECT DISTINCT ON (r.project_id, r.service) r.project_id, r.service, r.status, r.stale_at
      FROM observa_internal.service_reports r
     WHERE r.tenant_id = observa.current_tenant()
     ORDER BY r.project_id, r.service, r.report_id DESC
)
SELECT a.alert_key, a.rule
  FROM observa_internal.alerts a
  JOIN kind k ON k.signal = a.rule
  JOIN last l ON l.project_id = a.project_id AND l.service = a.alert_group AND l.stale_at > pg_catalog.now()
  LEFT JOIN kind c ON c.state = l.status
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) AS times, pg_catalog.max(h.reported_at) AS since
         FROM (SELECT r.reported_at, coalesce(w.place, 0) < k.place AS is_well,
                      CASE k.state WHEN 'stale' THEN pg_catalog.lag(r.stale_at) OVER earlier < r.reported_at
                                   ELSE pg_catalog.lag(coalesce(w.place, 0)) OVER earlier >= k.place END AS was_unwell
                 FROM observa_internal.service_reports r
                 LEFT JOIN kind w ON w.state = r.status
                WHERE r.tenant_id = observa.current_tenant() AND r.project_id = l.project_id AND r.service = l.service
               WINDOW earlier AS (ORDER BY r.report_id)) h
        WHERE h.is_well AND h.was_unwell AND h.reported_at > pg_catalog.now() - interval '1 hour') better
 WHERE a.tenant_id = observa.current_tenant() AND a.status IN ('active', 'acknowledged') AND k.place > coalesce(c.place, 0)
   AND (better.times < 2 OR better.since <= pg_catalog.now() - interval '5 minutes' * 2 ^ least(better.times - 2, 3))
