-- rows: those of events, in key order. A retry is told by its key alone.
INSERT INTO observa_internal.events SELECT * FROM rows
    ON CONFLICT (tenant_id, ts, event_id) DO NOTHING
RETURNING ts, event_id
