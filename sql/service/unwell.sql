-- Services of the acting tenant that are not well by their last report: what they are, and since when. $1: degraded, down, stale. One that falls silent
-- counts for a day, and if it was regular: of its last ten reports three or more, and half of them while the one before held.
WITH last AS (
    SELECT DISTINCT ON (r.project_id, r.service) r.*, CASE WHEN r.stale_at > pg_catalog.now() THEN r.status ELSE 'stale' END AS state
      FROM observa_internal.service_reports r
     WHERE r.tenant_id = observa.current_tenant()
     ORDER BY r.project_id, r.service, r.report_id DESC
)
SELECT l.project_id, p.environment, l.service, l.state, CASE l.state WHEN 'stale' THEN l.stale_at ELSE s.since END, l.reported_at
  FROM last l
  JOIN observa_internal.projects p ON p.tenant_id = l.tenant_id AND p.project_id = l.project_id
 CROSS JOIN LATERAL (
       SELECT pg_catalog.min(h.reported_at) FILTER (WHERE h.others = 0) AS since,
              pg_catalog.count(*) FILTER (WHERE h.place <= 10) AS reports,
              pg_catalog.count(*) FILTER (WHERE h.place <= 10 AND h.reported_at <= h.held_until) AS in_time
         FROM (SELECT r.reported_at, pg_catalog.row_number() OVER newest AS place,
                      pg_catalog.count(*) FILTER (WHERE r.status <> l.status) OVER newest AS others,
                      pg_catalog.lead(r.stale_at) OVER newest AS held_until
                 FROM observa_internal.service_reports r
                WHERE r.tenant_id = l.tenant_id AND r.project_id = l.project_id AND r.service = l.service
               WINDOW newest AS (ORDER BY r.report_id DESC)) h) s
 WHERE l.state = ANY ($1)
   AND (l.state <> 'stale' OR (l.stale_at > pg_catalog.now() - interval '1 day' AND s.reports >= 3 AND 2 * s.in_time >= s.reports - 1))
