CREATE OR REPLACE VIEW observa.service_reports WITH (security_invoker = true) AS
SELECT r.service, r.status, r.reported_at, r.stale_at, r.details, r.report_id AS id, r.project_id, r.tenant_id
  FROM observa_internal.service_reports r;
COMMENT ON VIEW observa.service_reports IS 'What services have reported of their health: the newest hundred reports of each, and the first of the newest that say the same';
COMMENT ON COLUMN observa.service_reports.details IS 'Scrubbed; NULL: none';

CREATE OR REPLACE VIEW observa.service_health WITH (security_invoker = true) AS
SELECT DISTINCT ON (r.tenant_id, r.project_id, r.service)
       r.service, CASE WHEN r.stale_at > pg_catalog.now() THEN r.status ELSE 'stale' END AS status, r.status AS reported_status,
       r.reported_at, r.stale_at, r.details, r.project_id, r.tenant_id
  FROM observa_internal.service_reports r
 ORDER BY r.tenant_id, r.project_id, r.service, r.report_id DESC;
COMMENT ON VIEW observa.service_health IS 'How each service is, by its last report

observa.report_health(service, status, details) reports; observa.service_reports has those before.';
COMMENT ON COLUMN observa.service_health.status IS 'ok, degraded or down; stale: it has not reported for longer than it said';
COMMENT ON COLUMN observa.service_health.details IS 'Scrubbed; NULL: none';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.service_reports
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
