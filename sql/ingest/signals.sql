-- rows: those of signals. The table's trigger raises the alerts.
INSERT INTO observa_internal.signals SELECT * FROM rows
