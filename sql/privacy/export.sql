-- $1: the ids that one person's events are stored under. All that is stored of them, as one document.
SELECT pg_catalog.jsonb_build_object(
    'events', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(e) - 'tenant_id' || coalesce(pg_catalog.to_jsonb(p) - 'tenant_id', '{}')
                                                    ORDER BY e.ts, e.event_id), '[]')
                 FROM observa_internal.events e
                 LEFT JOIN observa_internal.event_payloads p
                   ON p.tenant_id = e.tenant_id AND p.ts = e.ts AND p.event_id = e.event_id
                WHERE e.tenant_id = observa.current_tenant() AND e.user_id = ANY ($1)),
    'logs', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(l) - 'tenant_id' ORDER BY l.ts, l.log_id), '[]')
               FROM observa_internal.logs l
              WHERE l.tenant_id = observa.current_tenant()
                AND (l.trace_id IN (SELECT e.trace_id FROM observa_internal.events e
                                     WHERE e.tenant_id = l.tenant_id AND e.user_id = ANY ($1))
                     OR l.metadata ->> 'user_id' = ANY ($1))),
    'signals', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s) - 'tenant_id' ORDER BY s.ts, s.signal_id), '[]')
                  FROM observa_internal.signals s
                 WHERE s.tenant_id = observa.current_tenant() AND s.user_id = ANY ($1)))
