-- rows: those of usage_deltas.
INSERT INTO observa_internal.usage_deltas SELECT * FROM rows
