-- Open alerts of the acting tenant about services that are better by now: $1 what services are, from better to worse, $2 the signal of each. Who is
-- silent says nothing of what was before. One that became better more than once within an hour has to be it for five minutes, and for twice as long each
-- time, up to 40: until then what comes back is the same alert.
WITH kind AS (
    SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS k (state, signal, place)
), report AS (
    SELECT r.*, coalesce(k.place, 0) AS place, pg_catalog.row_number() OVER (PARTITION BY r.project_id, r.service ORDER BY r.report_id DESC) AS newest
      FROM observa_internal.service_reports r
      LEFT JOIN kind k ON k.state = r.status
     WHERE r.tenant_id = observa.current_tenant()
)
SELECT a.alert_key, a.rule
  FROM observa_internal.alerts a
  JOIN kind k ON k.signal = a.rule
  JOIN report l ON l.project_id = a.project_id AND l.service = a.alert_group AND l.newest = 1 AND l.stale_at > pg_catalog.now() AND l.place < k.place
 CROSS JOIN LATERAL (
       SELECT pg_catalog.count(*) AS times, pg_catalog.max(h.reported_at) AS since
         FROM (SELECT r.reported_at, r.place < k.place AS is_well,
                      CASE k.state WHEN 'stale' THEN pg_catalog.lag(r.stale_at) OVER earlier < r.reported_at
                                   ELSE pg_catalog.lag(r.place) OVER earlier >= k.place END AS was_unwell
                 FROM report r
                WHERE r.project_id = l.project_id AND r.service = l.service
               WINDOW earlier AS (ORDER BY r.report_id)) h
        WHERE h.is_well AND h.was_unwell AND h.reported_at > pg_catalog.now() - interval '1 hour') better
 WHERE a.tenant_id = observa.current_tenant() AND a.status IN ('active', 'acknowledged')
   AND (better.times < 2 OR better.since <= pg_catalog.now() - interval '5 minutes' * 2 ^ least(better.times - 2, 3))
