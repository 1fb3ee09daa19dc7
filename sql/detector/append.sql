-- rows: those of detector_events.
INSERT INTO observa_internal.detector_events SELECT * FROM rows
