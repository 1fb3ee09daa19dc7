-- rows: those of analysis_candidates.
INSERT INTO observa_internal.analysis_candidates SELECT * FROM rows
