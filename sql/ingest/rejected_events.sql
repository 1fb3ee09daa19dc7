-- rows: those of rejected_events.
INSERT INTO observa_internal.rejected_events SELECT * FROM rows
