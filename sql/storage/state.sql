-- What the last observa.setup() left: it need not lock tables again where all is still so.
CREATE TABLE IF NOT EXISTS observa_internal.storage_state (
    scripts text NOT NULL,
    catalog text NOT NULL
);
COMMENT ON TABLE observa_internal.storage_state IS 'One row: which scripts made the storage, and what it was like then';
COMMENT ON COLUMN observa_internal.storage_state.scripts IS 'A hash of the scripts';
COMMENT ON COLUMN observa_internal.storage_state.catalog IS 'A hash of tables, views, policies, triggers and grants';
ALTER TABLE observa_internal.storage_state ENABLE ROW LEVEL SECURITY;
ALTER TABLE observa_internal.storage_state FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS superusers_session ON observa_internal.storage_state;
CREATE POLICY superusers_session ON observa_internal.storage_state TO observa_owner
    USING (observa_internal.session_is_superuser()) WITH CHECK (observa_internal.session_is_superuser());
