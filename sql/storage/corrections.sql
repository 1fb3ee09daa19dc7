-- An event that is changed is counted anew.
CREATE OR REPLACE TRIGGER correct_rollups AFTER UPDATE ON observa_internal.events
    REFERENCING OLD TABLE AS old_events NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION observa_internal.correct_rollups();
