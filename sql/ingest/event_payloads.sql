-- rows: those of event_payloads, in key order; their events are new.
INSERT INTO observa_internal.event_payloads SELECT * FROM rows
