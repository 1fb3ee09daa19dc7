-- $1 trace of the acting tenant, events of $2 to $3: seconds since something of it arrived, and its first and last call with an answer, which is no
-- judge's own.
WITH seen AS MATERIALIZED (
    SELECT e.ts, e.event_id, e.ingested_at, e.event_type = 'llm_call' AND e.status = 'ok' AND p.output IS NOT NULL AS answers
      FROM observa_internal.events e
      LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = e.tenant_id AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
     WHERE e.tenant_id = observa.current_tenant() AND e.trace_id = $1 AND e.ts >= $2 AND e.ts <= $3
), first AS (
    SELECT s.ts, s.event_id FROM seen s WHERE s.answers ORDER BY s.ts, s.event_id LIMIT 1
), last AS (
    SELECT s.ts, s.event_id FROM seen s WHERE s.answers ORDER BY s.ts DESC, s.event_id DESC LIMIT 1
)
SELECT (SELECT pg_catalog.date_part('epoch', pg_catalog.now() - pg_catalog.max(s.ingested_at))::double precision FROM seen s),
       f.ts, f.event_id, l.ts, l.event_id
  FROM (SELECT) one LEFT JOIN first f ON true LEFT JOIN last l ON true
