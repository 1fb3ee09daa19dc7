-- Open alerts of the acting tenant about services that are better by now: $1 what services are, from better to worse, $2 the signal of each. Who is
-- silent says nothing of what was before.
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
 WHERE a.tenant_id = observa.current_tenant() AND a.status IN ('active', 'acknowledged') AND k.place > coalesce(c.place, 0)
