-- What ingest left to another transaction. Where an alert covers the signal, that one has raised it, whatever became of it since.
taken AS MATERIALIZED (
    DELETE FROM observa_internal.alert_candidates c
     WHERE c.tenant_id = observa.current_tenant()
       AND c.signal_id IN (SELECT o.signal_id FROM observa_internal.alert_candidates o
                            WHERE o.tenant_id = observa.current_tenant() LIMIT 10000)
    RETURNING c.tenant_id, c.ts, c.signal_id
), new_signals AS MATERIALIZED (
    SELECT s.*
      FROM taken t
      JOIN observa_internal.signals s ON s.tenant_id = t.tenant_id AND s.ts = t.ts AND s.signal_id = t.signal_id
     WHERE NOT EXISTS (SELECT FROM observa_internal.alerts a
                        WHERE a.tenant_id = s.tenant_id AND a.alert_key = s.alert_key
                          AND (a.ended IS NULL OR a.ended > s.signal_id))
),
