-- rows: those of logs, in key order. A retry is told by its key alone.
INSERT INTO observa_internal.logs SELECT * FROM rows
    ON CONFLICT (tenant_id, ts, log_id) DO NOTHING
RETURNING log_id
