-- $1 times and $2 ids of events that have just got their contents, with the $3 coherence, $4 toxicity, $5 sentiment, $6 hallucination
-- risk and $7 category of these, in projects of $8. What there is stays.
UPDATE observa_internal.events e
   SET coherence_score = coalesce(e.coherence_score, new.coherence), toxicity_score = coalesce(e.toxicity_score, new.toxicity),
       sentiment_score = coalesce(e.sentiment_score, new.sentiment),
       hallucination_risk = coalesce(e.hallucination_risk, new.risk),
       prompt_category = coalesce(e.prompt_category, new.category)
  FROM ROWS FROM (pg_catalog.unnest($1::timestamptz[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::float8[]),
                  pg_catalog.unnest($4::float8[]), pg_catalog.unnest($5::float8[]), pg_catalog.unnest($6::float8[]),
                  pg_catalog.unnest($7::text[])) AS new (ts, event_id, coherence, toxicity, sentiment, risk, category)
 WHERE e.tenant_id = observa.current_tenant() AND e.ts = new.ts AND e.event_id = new.event_id
   AND e.event_type = 'llm_call' AND e.project_id = ANY ($8)
