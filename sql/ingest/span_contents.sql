-- rows: those of span_contents, in key order.
INSERT INTO observa_internal.span_contents SELECT * FROM rows
    ON CONFLICT (tenant_id, trace_id, span_id, content_id) DO NOTHING
RETURNING content_id
