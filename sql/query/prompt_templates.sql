-- $1 tenant, $2 project, NULL: all; $3 since, $4 until, $5 most events; $6 attributes that name a template, $7 those that say its version,
-- the first one that there is counts. An event of type prompt_template may also say it by its own name, and its version by "version".
WITH seen AS MATERIALIZED (
    SELECT e.*, p.attributes
      FROM (SELECT * FROM observa_internal.events e
             WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
               AND e.event_type IN ('llm_call', 'prompt_template')
             ORDER BY e.ts DESC LIMIT $5) e
      LEFT JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = e.ts AND p.event_id = e.event_id
), named AS (
    SELECT s.*,
           coalesce((SELECT pg_catalog.left(s.attributes ->> k.key, 200) FROM pg_catalog.unnest($6::text[]) WITH ORDINALITY k (key, place)
                      WHERE nullif(s.attributes ->> k.key, '') IS NOT NULL ORDER BY k.place LIMIT 1),
                    CASE WHEN s.event_type = 'prompt_template' THEN s.name END) AS template,
           coalesce((SELECT pg_catalog.left(s.attributes ->> k.key, 200) FROM pg_catalog.unnest($7::text[]) WITH ORDINALITY k (key, place)
                      WHERE nullif(s.attributes ->> k.key, '') IS NOT NULL ORDER BY k.place LIMIT 1),
                    CASE WHEN s.event_type = 'prompt_template' THEN s.version END) AS template_version
      FROM seen s
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
  FROM named n
 WHERE n.template IS NOT NULL
 GROUP BY n.project_id, n.template, n.template_version
 ORDER BY n.template, pg_catalog.max(n.ts) DESC, n.template_version, n.project_id
 LIMIT 1000
