-- rows: those of detection_candidates.
INSERT INTO observa_internal.detection_candidates SELECT * FROM rows
