-- Models whose calls are counted, but cost nothing that is known.
SELECT 'no_price' AS kind, coalesce(m.provider || '/', '') || m.model AS subject,
       'Tell its price (observa.model_prices), and observa.reprice the time: its calls are in no sum of money' AS advice,
       NULL::numeric AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object('provider', m.provider, 'model', m.model, 'calls', pg_catalog.sum(m.billable),
           'input_tokens', pg_catalog.sum(m.input_tokens), 'output_tokens', pg_catalog.sum(m.output_tokens)) AS evidence,
       'high' AS confidence
  FROM observa.metrics_hour m
 WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 AND m.bucket < $4
   AND m.event_type = 'llm_call' AND m.model IS NOT NULL AND m.model <> 'other' AND m.billable > 0
 GROUP BY m.provider, m.model
HAVING pg_catalog.sum(m.cost_usd) IS NULL AND pg_catalog.sum(m.total_tokens) > 0
