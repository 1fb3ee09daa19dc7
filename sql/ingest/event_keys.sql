-- rows: those of event_keys, inserted in key order: two batches that share ids must not wait for each other in a circle.
-- What arrived yesterday is a retry, too: a client's clock knows no midnight.
INSERT INTO observa_internal.event_keys
SELECT key.* FROM rows AS key
 WHERE NOT EXISTS (SELECT FROM observa_internal.event_keys old
                    WHERE old.tenant_id = key.tenant_id AND old.arrived_on = key.arrived_on - 1
                      AND old.event_id = key.event_id)
 ORDER BY key.event_id
    ON CONFLICT DO NOTHING
RETURNING event_id
