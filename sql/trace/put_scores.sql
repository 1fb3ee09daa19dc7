-- $1 times and $2 ids of calls that have just got contents, with the $3 coherence, $4 toxicity, $5 sentiment, $6 hallucination
-- risk and $7 category of these. An earlier estimate knew less. What the client sent, which is in attributes, stays.
WITH judged AS (
    SELECT e.tenant_id, e.ts, e.event_id,
           CASE WHEN p.attributes ? 'coherence_score' THEN e.coherence_score ELSE new.coherence END AS coherence,
           CASE WHEN p.attributes ? 'toxicity_score' THEN e.toxicity_score ELSE new.toxicity END AS toxicity,
           CASE WHEN p.attributes ? 'sentiment_score' THEN e.sentiment_score ELSE new.sentiment END AS sentiment,
           CASE WHEN p.attributes ? 'hallucination_risk' THEN e.hallucination_risk ELSE new.risk END AS risk,
           CASE WHEN p.attributes ? 'prompt_category' THEN e.prompt_category ELSE new.category END AS category
      FROM ROWS FROM (pg_catalog.unnest($1::timestamptz[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::float8[]),
                      pg_catalog.unnest($4::float8[]), pg_catalog.unnest($5::float8[]), pg_catalog.unnest($6::float8[]),
                      pg_catalog.unnest($7::text[])) AS new (ts, event_id, coherence, toxicity, sentiment, risk, category)
      JOIN observa_internal.events e
        ON e.tenant_id = observa.current_tenant() AND e.ts = new.ts AND e.event_id = new.event_id
      JOIN observa_internal.event_payloads p
        ON p.tenant_id = e.tenant_id AND p.ts = new.ts AND p.event_id = new.event_id
)
UPDATE observa_internal.events e
   SET coherence_score = j.coherence, toxicity_score = j.toxicity, sentiment_score = j.sentiment, hallucination_risk = j.risk,
       prompt_category = j.category
  FROM judged j
 WHERE e.tenant_id = j.tenant_id AND e.ts = j.ts AND e.event_id = j.event_id
   AND (e.coherence_score, e.toxicity_score, e.sentiment_score, e.hallucination_risk, e.prompt_category)
       IS DISTINCT FROM (j.coherence, j.toxicity, j.sentiment, j.risk, j.category)
