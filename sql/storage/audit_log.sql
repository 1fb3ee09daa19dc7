CREATE TABLE IF NOT EXISTS observa_internal.audit_log (
    tenant_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    address text,
    user_agent text,
    request_id text,
    PRIMARY KEY (tenant_id, audit_id)
);
COMMENT ON TABLE observa_internal.audit_log IS 'Administrative acts, each written by the transaction that does it; nobody changes a row, the table''s owner included';
COMMENT ON COLUMN observa_internal.audit_log.audit_id IS 'UUIDv7: the order of the acts';

-- No policy lets anybody change a row, and the owner is bound by them as everybody is.
ALTER TABLE observa_internal.audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.audit_log FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS acting_tenant ON observa_internal.audit_log;
CREATE POLICY acting_tenant ON observa_internal.audit_log FOR INSERT TO observa_owner, observa_system
    WITH CHECK (tenant_id = observa.current_tenant());
DROP POLICY IF EXISTS administered_tenant ON observa_internal.audit_log;
CREATE POLICY administered_tenant ON observa_internal.audit_log FOR SELECT TO observa_admin, observa_owner
    USING (tenant_id = observa.administered_tenant());
DROP POLICY IF EXISTS outlived ON observa_internal.audit_log;
CREATE POLICY outlived ON observa_internal.audit_log FOR DELETE TO observa_owner
    USING (tenant_id = observa.current_tenant() AND at < pg_catalog.now() - pg_catalog.current_setting('observa.audit_retention')::interval);
GRANT SELECT ON observa_internal.audit_log TO observa_admin;
GRANT INSERT ON observa_internal.audit_log TO observa_system;
