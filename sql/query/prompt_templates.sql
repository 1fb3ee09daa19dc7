-- $1 tenant, $2 project, NULL: all; $3 since, $4 until, $5 most events; $6 attributes that name a template, $7 those that say its version,
-- the first one that there is counts. An event of type prompt_template may also say it by its own name, and its version by "version". A
-- call that names none has the template of the last such event before it in its trace.
WITH seen AS MATERIALIZED (
    SELECT e.*, p.attributes
      FROM (SELECT * FROM observa_internal.events e
             WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
               AND e.event_type IN ('llm_call', 'prompt_template')
             ORDER BY e.ts DESC LIMIT $5) e
      LEFT JOIN LATERAL (SELECT * FROM observa_internal.event_payloads n WHERE n.tenant_id = $1 AND n.ts = e.ts AND n.event_id = e.event_id OFFSET 0) p ON true
), named AS (
    SELECT s.*,
           coalesce((SELECT pg_catalog.left(s.attributes ->> k.key, 200) FROM pg_catalog.unnest($6::text[]) WITH ORDINALITY k (key, place)
                      WHERE nullif(s.attributes ->> k.key, '') IS NOT NULL ORDER BY k.place LIMIT 1),
                    CASE WHEN s.event_type = 'prompt_template' THEN s.name END) AS template,
           coalesce((SELECT pg_catalog.left(s.attributes ->> k.key, 200) FROM pg_catalog.unnest($7::text[]) WITH ORDINALITY k (key, place)
                      WHERE nullif(s.attributes ->> k.key, '') IS NOT NULL ORDER BY k.place LIMIT 1),
                    CASE WHEN s.event_type = 'prompt_template' THEN s.version END) AS template_version
      FROM seen s
), turns AS (
    SELECT r.*, pg_catalog.count(*) FILTER (WHERE r.event_type = 'prompt_template' AND r.template IS NOT NULL)
                    OVER (PARTITION BY r.project_id, r.trace_id ORDER BY r.ts, r.event_type = 'llm_call', r.event_id) AS turn
      FROM named r
), told AS (
    SELECT t.project_id, t.event_type, t.status, t.cost_usd, t.billable, t.total_tokens, t.latency_ms, t.coherence_score, t.toxicity_score,
           t.hallucination_risk, t.ts, CASE WHEN l.is_told THEN pg_catalog.first_value(t.template) OVER of_turn ELSE t.template END AS template,
           CASE WHEN l.is_told THEN pg_catalog.first_value(t.template_version) OVER of_turn ELSE t.template_version END AS template_version
      FROM turns t
     CROSS JOIN LATERAL (SELECT t.template IS NULL AND t.trace_id IS NOT NULL AND t.turn > 0) l (is_told)
    WINDOW of_turn AS (PARTITION BY t.project_id, t.trace_id, t.turn ORDER BY t.ts, t.event_type = 'llm_call', t.event_id)
)
SELECT n.project_id, n.template, n.template_version,
       pg_catalog.count(*) FILTER (WHERE n.event_type = 'llm_call'), pg_catalog.count(*) FILTER (WHERE n.event_type = 'prompt_template'),
       pg_catalog.count(*) FILTER (WHERE n.event_type = 'llm_call' AND n.status <> 'ok')::double precision
           / nullif(pg_catalog.count(*) FILTER (WHERE n.event_type = 'llm_call'), 0),
       pg_catalog.sum(n.cost_usd) FILTER (WHERE n.billable), pg_catalog.sum(n.total_tokens) FILTER (WHERE n.billable)::bigint,
       pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY n.latency_ms) FILTER (WHERE n.event_type = 'llm_call'),
       pg_catalog.percentile_cont(0.95) WITHIN GROUP (ORDER BY n.latency_ms) FILTER (WHERE n.event_type = 'llm_call'),
       pg_catalog.avg(n.coherence_score), pg_catalog.avg(n.toxicity_score), pg_catalog.avg(n.hallucination_risk),
       pg_catalog.min(n.ts), pg_catalog.max(n.ts), (SELECT pg_catalog.count(*) FROM seen)
  FROM told n
 WHERE n.template IS NOT NULL
 GROUP BY n.project_id, n.template, n.template_version
 ORDER BY n.template, pg_catalog.max(n.ts) DESC, n.template_version, n.project_id
 LIMIT 1000
