-- Passages that were retrieved, stand in prompts and leave no words in answers: from which place on. Of the newest $5 retrievals, calls
-- of their traces within the hour, and 64 MB of prompts. Where passages of no place are seen to be used (another language, answers of
-- one word) words tell nothing, and nothing is said. A place is judged by 20 calls, all that would go by 100 passages: if one in ten were used,
-- under 5 % of 100 would be by chance in one sample of forty.
WITH trace AS MATERIALIZED (
    SELECT r.trace_id, pg_catalog.min(r.ts) AS since, pg_catalog.max(r.ts) + interval '1 hour' AS until
      FROM (SELECT e.trace_id, e.ts FROM observa_internal.events e
             WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
               AND e.event_type IN ('retrieval', 'vector_db_operation') AND e.trace_id IS NOT NULL
             ORDER BY e.ts DESC LIMIT $5) r
     GROUP BY r.trace_id
), call AS MATERIALIZED (
    SELECT a.*
      FROM (SELECT n.*, least(coalesce(n.cached_input_tokens, 0), n.input_tokens) AS cached,
                   pg_catalog.sum(pg_catalog.octet_length(n.input)) OVER (ORDER BY n.ts DESC, n.event_id) AS bytes
              FROM trace t
             CROSS JOIN LATERAL (SELECT c.ts, c.event_id, c.trace_id, c.project_id, c.route, c.provider, c.model, c.input_tokens, c.cached_input_tokens,
                                        p.input, p.output
                                   FROM observa_internal.events c
                                   JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = c.ts AND p.event_id = c.event_id
                                  WHERE c.tenant_id = $1 AND c.trace_id = t.trace_id AND c.ts >= t.since AND c.ts < least(t.until, $4)
                                    AND ($2 IS NULL OR c.project_id = $2) AND c.event_type = 'llm_call' AND c.billable AND c.status = 'ok'
                                    AND c.model IS NOT NULL AND c.input_tokens > 0
                                    AND pg_catalog.octet_length(p.input) <= 500000 AND pg_catalog.octet_length(p.output) <= 100000
                                  ORDER BY c.ts DESC, c.event_id LIMIT 20) n) a
     WHERE a.bytes <= 64000000
     ORDER BY a.ts DESC LIMIT $5
), passage AS MATERIALIZED (
    -- A call before the last one may leave to it to make use of what was retrieved.
    SELECT c.ts, c.event_id, c.project_id, coalesce(c.route, r.names[s.retrieval], 'calls without a route') AS subject, c.provider, c.model,
           c.input_tokens, c.cached, s.place, s.share,
           pg_catalog.bool_or(s.is_used) OVER (PARTITION BY c.trace_id, r.event_ids[s.retrieval], s.place) AS is_used
      FROM call c
     CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(n.event_id ORDER BY n.ts, n.event_id) AS event_ids,
                                pg_catalog.array_agg(n.name ORDER BY n.ts, n.event_id) AS names,
                                pg_catalog.array_agg(n.output ORDER BY n.ts, n.event_id) AS outputs
                           FROM (SELECT e.ts, e.event_id, coalesce(e.name, e.tool_name) AS name, p.output
                                   FROM observa_internal.events e
                                   JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = e.ts AND p.event_id = e.event_id
                                  WHERE e.tenant_id = $1 AND e.trace_id = c.trace_id AND e.ts <= c.ts AND e.ts > c.ts - interval '1 hour'
                                    AND e.ts >= $3 AND ($2 IS NULL OR e.project_id = $2)
                                    AND e.event_type IN ('retrieval', 'vector_db_operation') AND pg_catalog.octet_length(p.output) <= 100000
                                  ORDER BY e.ts DESC, e.event_id LIMIT 10) n) r
     CROSS JOIN LATERAL observa_internal.passages_in(c.input, c.output, r.outputs) s
), judged AS (
    SELECT p.* FROM passage p WHERE p.is_used IS NOT NULL
), place AS (
    SELECT j.project_id, j.subject, j.place, pg_catalog.count(*) AS passages, pg_catalog.count(*) FILTER (WHERE j.is_used) AS used
      FROM judged j
     GROUP BY j.project_id, j.subject, j.place
), last_used AS (
    SELECT p.project_id, p.subject, pg_catalog.max(p.place) AS place, pg_catalog.sum(p.used) / pg_catalog.sum(p.passages) AS share
      FROM (SELECT p.*, pg_catalog.max(p.place) FILTER (WHERE p.passages >= 20 AND p.used >= p.passages * 0.05)
                            OVER (PARTITION BY p.project_id, p.subject) AS last_place FROM place p) p
     WHERE p.place <= p.last_place
     GROUP BY p.project_id, p.subject
    HAVING pg_catalog.max(p.used::numeric / p.passages) FILTER (WHERE p.passages >= 20) >= 0.25
), price AS MATERIALIZED (
    SELECT m.*, observa.cost(m.model, '{"input_tokens": 1000}', m.provider, $4) / 1000 AS usd,
           observa.cost(m.model, '{"input_tokens": 1000, "cached_input_tokens": 1000}', m.provider, $4) / 1000 AS cached_usd
      FROM (SELECT DISTINCT c.model, c.provider FROM call c) m
), per_call AS (
    SELECT j.project_id, j.subject, l.place, l.share, j.model, j.provider, j.input_tokens, j.cached, pg_catalog.count(*) AS passages,
           pg_catalog.count(*) FILTER (WHERE j.place > l.place) AS late, pg_catalog.count(*) FILTER (WHERE j.place > l.place AND j.is_used) AS late_used,
           coalesce(pg_catalog.sum(j.share) FILTER (WHERE j.place > l.place), 0)::numeric * j.input_tokens AS tokens
      FROM judged j
      JOIN last_used l ON l.project_id = j.project_id AND l.subject = j.subject
     GROUP BY j.project_id, j.subject, l.place, l.share, j.ts, j.event_id, j.model, j.provider, j.input_tokens, j.cached
), summed AS (
    -- What a cache had of the call is taken to be of these passages first.
    SELECT c.project_id, c.subject, c.place, c.share, pg_catalog.count(*) AS calls, pg_catalog.sum(c.passages) AS passages, pg_catalog.sum(c.late) AS late,
           pg_catalog.sum(c.late_used) AS late_used, pg_catalog.sum(c.input_tokens) AS input_tokens, pg_catalog.sum(c.tokens) AS tokens,
           pg_catalog.sum(least(c.tokens, c.cached) * least(p.cached_usd, p.usd) + (c.tokens - least(c.tokens, c.cached)) * p.usd) AS usd
      FROM per_call c
      JOIN price p ON p.model = c.model AND p.provider IS NOT DISTINCT FROM c.provider
     GROUP BY c.project_id, c.subject, c.place, c.share
)
SELECT 'unused_context' AS kind, s.subject,
       pg_catalog.format('Retrieve fewer passages: from place %s on answers hardly have words of them', s.place + 1) AS advice,
       s.usd AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', s.project_id, 'calls', s.calls, 'passages_per_call', pg_catalog.round(s.passages / s.calls, 1),
           'from_place', s.place + 1, 'used_share_before', pg_catalog.round(s.share, 3), 'passages_from_there', s.late,
           'used_share_from_there', pg_catalog.round(s.late_used / s.late, 3), 'input_tokens', s.input_tokens,
           'tokens_from_there', pg_catalog.round(s.tokens), 'sampled_calls', (SELECT pg_catalog.count(*) FROM call)) AS evidence,
       CASE WHEN s.calls >= 300 THEN 'medium' ELSE 'low' END AS confidence
  FROM summed s
 WHERE s.calls >= 20 AND s.late >= 100 AND s.late_used < s.late * 0.05
