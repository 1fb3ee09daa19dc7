-- Models that a route uses already, of which one is cheaper and answers as well by the scores that both have. The same calls are priced
-- with the other model's rates: as many tokens as the mean call had, times the calls.
WITH used AS (
    SELECT m.project_id, m.route, m.provider, m.model, pg_catalog.sum(m.billable) AS calls, pg_catalog.sum(m.cost_usd) AS cost_usd,
           pg_catalog.sum(m.events) AS events, pg_catalog.sum(m.errors + m.timeouts) AS failures,
           pg_catalog.jsonb_build_object(
               'input_tokens', pg_catalog.round(pg_catalog.sum(m.input_tokens) / nullif(pg_catalog.sum(m.billable), 0)),
               'output_tokens', pg_catalog.round(pg_catalog.sum(m.output_tokens) / nullif(pg_catalog.sum(m.billable), 0)),
               'cached_input_tokens', pg_catalog.round(pg_catalog.sum(m.cached_input_tokens) / nullif(pg_catalog.sum(m.billable), 0))) AS mean_call,
           pg_catalog.sum(m.coherence_sum) / nullif(pg_catalog.sum(m.coherence_count), 0)::double precision AS coherence,
           pg_catalog.sum(m.toxicity_sum) / nullif(pg_catalog.sum(m.toxicity_count), 0)::double precision AS toxicity,
           pg_catalog.sum(m.hallucination_risk_sum) / nullif(pg_catalog.sum(m.hallucination_risk_count), 0)::double precision AS hallucination_risk,
           least(pg_catalog.sum(m.coherence_count), pg_catalog.sum(m.toxicity_count), pg_catalog.sum(m.hallucination_risk_count)) AS scored
      FROM observa.metrics_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $4
       AND m.event_type = 'llm_call' AND m.model IS NOT NULL AND m.model <> 'other' AND m.route IS NOT NULL AND m.route <> 'other'
     GROUP BY m.project_id, m.route, m.provider, m.model
), pair AS (
    SELECT a.project_id, a.route, a.model, a.calls, a.cost_usd, a.mean_call, a.scored, b.model AS other, b.calls AS other_calls,
           b.scored AS other_scored, observa.cost(b.model, a.mean_call, b.provider, $4) * a.calls AS other_usd,
           a.coherence, b.coherence AS other_coherence, a.toxicity, b.toxicity AS other_toxicity,
           a.hallucination_risk, b.hallucination_risk AS other_hallucination_risk,
           a.failures / a.events AS failed, b.failures / b.events AS other_failed
      FROM used a
      JOIN used b ON b.project_id = a.project_id AND b.route = a.route AND (b.model <> a.model OR b.provider IS DISTINCT FROM a.provider)
     WHERE a.calls >= 50 AND b.calls >= 50 AND a.scored >= 50 AND b.scored >= 50
), best AS (
    SELECT DISTINCT ON (p.project_id, p.route, p.model) p.*
      FROM pair p
     WHERE p.cost_usd - p.other_usd >= greatest(0.01, p.cost_usd * 0.1)
       AND p.other_coherence >= p.coherence - 0.02 AND p.other_toxicity <= p.toxicity + 0.02
       AND p.other_hallucination_risk <= p.hallucination_risk + 0.02 AND p.other_failed <= p.failed + 0.01
     ORDER BY p.project_id, p.route, p.model, p.other_usd, p.other
)
SELECT 'cheaper_model' AS kind, b.route || ': ' || b.model AS subject,
       'Ask ' || b.other || ', which this route uses already: its answers score as well' AS advice,
       b.cost_usd - b.other_usd AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object(
           'project_id', b.project_id, 'route', b.route, 'model', b.model, 'calls', b.calls, 'cost_usd', b.cost_usd, 'mean_call', b.mean_call,
           'other_model', b.other, 'other_model_calls', b.other_calls, 'cost_of_the_same_tokens_usd', b.other_usd,
           'scores', pg_catalog.jsonb_build_object(
               'coherence', pg_catalog.jsonb_build_array(pg_catalog.round(b.coherence::numeric, 4), pg_catalog.round(b.other_coherence::numeric, 4)),
               'toxicity', pg_catalog.jsonb_build_array(pg_catalog.round(b.toxicity::numeric, 4), pg_catalog.round(b.other_toxicity::numeric, 4)),
               'hallucination_risk', pg_catalog.jsonb_build_array(pg_catalog.round(b.hallucination_risk::numeric, 4),
                                                                 pg_catalog.round(b.other_hallucination_risk::numeric, 4))),
           'failed_share', pg_catalog.jsonb_build_array(pg_catalog.round(b.failed, 4), pg_catalog.round(b.other_failed, 4))) AS evidence,
       CASE WHEN least(b.scored, b.other_scored) >= 500 THEN 'medium' ELSE 'low' END AS confidence
  FROM best b
