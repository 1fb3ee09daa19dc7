-- $1 tenant, $2 project, $3 service, $4 report, $5 status, $6 seconds until it is stale, $7 details, $8 most reports of a service,
-- $9 most services of a project. How many were added: none where there are too many services.
WITH old AS (
    DELETE FROM observa_internal.service_reports r
     WHERE r.tenant_id = $1 AND r.project_id = $2 AND r.service = $3
       AND r.report_id <= (SELECT n.report_id FROM observa_internal.service_reports n
                            WHERE n.tenant_id = $1 AND n.project_id = $2 AND n.service = $3
                            ORDER BY n.report_id DESC OFFSET $8 - 1 LIMIT 1)
       -- The first of those that say the same stays: since then the service is so.
       AND r.report_id IS DISTINCT FROM (SELECT n.report_id FROM observa_internal.service_reports n
                                          WHERE n.tenant_id = $1 AND n.project_id = $2 AND n.service = $3
                                            AND NOT EXISTS (SELECT FROM observa_internal.service_reports o
                                                             WHERE o.tenant_id = $1 AND o.project_id = $2 AND o.service = $3
                                                               AND o.report_id >= n.report_id AND o.status <> $5)
                                          ORDER BY n.report_id LIMIT 1)
), added AS (
    INSERT INTO observa_internal.service_reports (tenant_id, project_id, service, report_id, status, stale_at, details)
    SELECT $1, $2, $3, $4, $5, pg_catalog.now() + pg_catalog.make_interval(secs => $6), $7::jsonb
     WHERE EXISTS (SELECT FROM observa_internal.service_reports k WHERE k.tenant_id = $1 AND k.project_id = $2 AND k.service = $3)
        OR (SELECT pg_catalog.count(DISTINCT k.service) FROM observa_internal.service_reports k WHERE k.tenant_id = $1 AND k.project_id = $2) < $9
    RETURNING 1
)
SELECT pg_catalog.count(*) FROM added
