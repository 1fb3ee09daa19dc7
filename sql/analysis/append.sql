-- rows: those of analysis_events.
INSERT INTO observa_internal.analysis_events SELECT * FROM rows
