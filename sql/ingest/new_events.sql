-- rows: those of events, in key order, of which none should be there. One that is ends the statement.
INSERT INTO observa_internal.events SELECT * FROM rows
