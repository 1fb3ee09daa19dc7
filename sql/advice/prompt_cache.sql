-- Prompts that begin alike for 4,000 characters, some 1,000 tokens, from which on providers cache, within five minutes, for which they
-- keep it; of the newest $5 calls. What is alike is counted as those characters' share of the call's tokens: at least so much.
WITH sample AS MATERIALIZED (
    SELECT e.project_id, e.ts, e.route, e.provider, e.model, e.input_tokens, coalesce(e.cached_input_tokens, 0) AS cached,
           pg_catalog.length(p.input) AS characters, pg_catalog.md5(pg_catalog.left(p.input, 4000)) AS head, pg_catalog.md5(p.input) AS whole
      FROM (SELECT * FROM observa_internal.events e
             WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
               AND e.event_type = 'llm_call' AND e.billable AND e.model IS NOT NULL AND e.input_tokens >= 1024
             ORDER BY e.ts DESC LIMIT $5) e
      JOIN observa_internal.event_payloads p ON p.tenant_id = $1 AND p.ts = e.ts AND p.event_id = e.event_id
     WHERE pg_catalog.length(p.input) >= 4000
), turn AS (
    SELECT s.*, s.ts - pg_catalog.lag(s.ts) OVER (PARTITION BY s.project_id, s.route, s.provider, s.model, s.head ORDER BY s.ts)
                    <= interval '5 minutes' AS is_warm,
           pg_catalog.round(s.input_tokens * 4000.0 / s.characters) AS head_tokens
      FROM sample s
), summed AS (
    SELECT t.project_id, t.route, t.provider, t.model, pg_catalog.count(*) AS calls, pg_catalog.count(DISTINCT t.head) AS heads,
           pg_catalog.count(*) FILTER (WHERE t.is_warm) AS warm_calls, pg_catalog.sum(t.input_tokens) AS input_tokens,
           pg_catalog.sum(t.cached) AS cached_tokens, pg_catalog.sum(greatest(t.head_tokens - t.cached, 0)) FILTER (WHERE t.is_warm) AS head_tokens
      FROM turn t
     GROUP BY t.project_id, t.route, t.provider, t.model
), priced AS (
    SELECT s.*, (observa.cost(s.model, '{"input_tokens": 1000}', s.provider, $4)
                 - observa.cost(s.model, '{"input_tokens": 1000, "cached_input_tokens": 1000}', s.provider, $4)) / 1000 AS saved_per_token
      FROM summed s
     WHERE s.warm_calls >= 10 AND s.cached_tokens < s.input_tokens * 0.1
)
SELECT 'prompt_cache' AS kind, coalesce(p.route || ': ', '') || p.model AS subject,
       'Let the provider cache what all prompts begin with: what changes belongs to the end' AS advice,
       p.head_tokens * p.saved_per_token AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', p.project_id, 'route', p.route, 'model', p.model, 'calls', p.calls, 'beginnings', p.heads,
           'calls_within_5_minutes', p.warm_calls, 'input_tokens', p.input_tokens, 'cached_input_tokens', p.cached_tokens,
           'tokens_that_begin_alike', p.head_tokens, 'usd_saved_per_token', p.saved_per_token,
           'sampled_calls', (SELECT pg_catalog.count(*) FROM sample)) AS evidence,
       CASE WHEN p.warm_calls >= 100 THEN 'high' ELSE 'medium' END AS confidence
  FROM priced p
 WHERE p.saved_per_token > 0 AND p.head_tokens > 0
