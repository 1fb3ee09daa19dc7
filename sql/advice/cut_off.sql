-- Answers that ended at the limit of tokens: paid for, and maybe of no use. Of the newest $5 calls. Nothing stored says whether they were
-- of use, and more room costs more: so there is no saving, only what they cost.
WITH sample AS MATERIALIZED (
    SELECT e.project_id, e.route, e.model, e.cost_usd, e.output_tokens, e.finish_reason IN ('length', 'max_tokens', 'max_output_tokens') AS is_cut
      FROM observa_internal.events e
     WHERE e.tenant_id = $1 AND e.ts >= $3 AND e.ts < $4 AND ($2 IS NULL OR e.project_id = $2)
       AND e.event_type = 'llm_call' AND e.billable AND e.finish_reason IS NOT NULL AND e.model IS NOT NULL
     ORDER BY e.ts DESC LIMIT $5
)
SELECT 'cut_off' AS kind, coalesce(s.route || ': ', '') || s.model AS subject,
       'Raise the limit of tokens, or ask for shorter answers: these ended at it' AS advice,
       NULL::numeric AS saving_usd, NULL::double precision AS saving_ms,
       pg_catalog.jsonb_build_object('project_id', s.project_id, 'route', s.route, 'model', s.model, 'calls', pg_catalog.count(*),
           'cut_off', pg_catalog.count(*) FILTER (WHERE s.is_cut), 'their_cost_usd', pg_catalog.sum(s.cost_usd) FILTER (WHERE s.is_cut),
           'mean_output_tokens', pg_catalog.round(pg_catalog.avg(s.output_tokens) FILTER (WHERE s.is_cut)),
           'sampled_calls', (SELECT pg_catalog.count(*) FROM sample)) AS evidence,
       'low' AS confidence
  FROM sample s
 GROUP BY s.project_id, s.route, s.model
HAVING pg_catalog.count(*) FILTER (WHERE s.is_cut) >= greatest(10, pg_catalog.count(*) * 0.05)
