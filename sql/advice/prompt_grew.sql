-- Input tokens of a mean call, against the 14 days before. What a cache takes of them costs what that costs. NULL: no price is known.
WITH used AS (
    SELECT m.project_id, m.route, m.provider, m.model,
           pg_catalog.sum(m.billable) FILTER (WHERE m.bucket >= $3) AS calls,
           pg_catalog.sum(m.input_tokens) FILTER (WHERE m.bucket >= $3) AS tokens,
           pg_catalog.sum(m.cached_input_tokens) FILTER (WHERE m.bucket >= $3) AS cached,
           pg_catalog.sum(m.billable) FILTER (WHERE m.bucket < $3) AS calls_before,
           pg_catalog.sum(m.input_tokens) FILTER (WHERE m.bucket < $3) AS tokens_before,
           pg_catalog.sum(m.cached_input_tokens) FILTER (WHERE m.bucket < $3) AS cached_before
      FROM observa.metrics_hour m
     WHERE m.tenant_id = $1 AND ($2 IS NULL OR m.project_id = $2) AND m.bucket >= $3 - interval '14 days' AND m.bucket < $4
       AND m.event_type = 'llm_call' AND m.model IS NOT NULL AND m.model <> 'other'
     GROUP BY m.project_id, m.route, m.provider, m.model
), mean AS (
    SELECT u.*, pg_catalog.round(u.tokens / u.calls) AS now, pg_catalog.round(u.tokens_before / u.calls_before) AS before,
           pg_catalog.round(coalesce(u.cached, 0) / u.calls) AS mean_cached, pg_catalog.round(coalesce(u.cached_before, 0) / u.calls_before) AS mean_cached_before
      FROM used u WHERE u.calls >= 50 AND u.calls_before >= 50
), grown AS (
    SELECT m.*, (observa.cost(m.model, pg_catalog.jsonb_build_object('input_tokens', m.now, 'cached_input_tokens', m.mean_cached), m.provider, $4)
                 - observa.cost(m.model, pg_catalog.jsonb_build_object('input_tokens', m.before, 'cached_input_tokens', m.mean_cached_before), m.provider, $4))
                * m.calls AS usd
      FROM mean m
     WHERE m.now >= m.before * 1.5 AND m.now - m.before >= 100
)
SELECT 'prompt_grew' AS kind, coalesce(m.route || ': ', '') || m.model AS subject,
       'Look what was added to the prompt: it is longer than in the 14 days before' AS advice,
       CASE WHEN m.usd < 0 THEN 0 ELSE m.usd END AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', m.project_id, 'route', m.route, 'model', m.model, 'calls', m.calls, 'mean_input_tokens', m.now,
           'mean_cached_input_tokens', m.mean_cached, 'calls_before', m.calls_before, 'mean_input_tokens_before', m.before,
           'mean_cached_input_tokens_before', m.mean_cached_before) AS evidence,
       CASE WHEN least(m.calls, m.calls_before) >= 500 THEN 'high' ELSE 'medium' END AS confidence
  FROM grown m
