-- $1 issue of the acting tenant, $2 state, $3 who decides, $4 until when, $5 note.
INSERT INTO observa_internal.issue_states (tenant_id, issue_id, state, decided_by, until, note)
VALUES (observa.current_tenant(), $1, $2, $3, $4, $5)
    ON CONFLICT (tenant_id, issue_id) DO UPDATE
   SET state = excluded.state, decided_at = pg_catalog.clock_timestamp(), decided_by = excluded.decided_by, until = excluded.until, note = excluded.note
