-- What a whole time is told by, as total: rows of totals, which sum up to it. $1 project, $2 environment, $3 type of event, each NULL for all; $11 to $13
-- the parts of the time: rows of a resolution, from when on, before when. What is not folded yet is told by the minute, from $4 on, before $5.
-- Users are a sketch, from which nothing is taken out: all parts are added.
WITH part AS MATERIALIZED (
    SELECT * FROM unnest($11, $12, $13) AS p (resolution, since, until)
), total AS (
    SELECT m.bucket, m.event_type, m.events, m.errors, m.timeouts, m.billable, m.priced, m.input_tokens, m.output_tokens, m.cached_input_tokens,
           m.cache_write_tokens, m.reasoning_tokens, m.total_tokens, m.cost_usd, m.coherence_sum, m.coherence_count, m.toxicity_sum, m.toxicity_count,
           m.hallucination_risk_sum, m.hallucination_risk_count, m.latency, NULL::bytea AS removed_latency, m.ttft, NULL::bytea AS removed_ttft, m.users
      FROM part p
     CROSS JOIN LATERAL (
           SELECT * FROM observa_internal.metric_totals m
            WHERE m.resolution = p.resolution AND m.bucket >= p.since AND m.bucket < p.until
              AND ($1 IS NULL OR m.project_id = $1) AND ($2 IS NULL OR m.environment = $2) AND ($3 IS NULL OR m.event_type = $3)
           OFFSET 0) m
    UNION ALL
    SELECT t.bucket, t.event_type, t.events, t.errors, t.timeouts, t.billable, t.priced, t.input_tokens, t.output_tokens, t.cached_input_tokens,
           t.cache_write_tokens, t.reasoning_tokens, t.total_tokens, t.cost_usd, t.coherence_sum, t.coherence_count, t.toxicity_sum, t.toxicity_count,
           t.hallucination_risk_sum, t.hallucination_risk_count, t.latency, t.removed_latency, t.ttft, t.removed_ttft, t.users
      FROM observa_internal.unfolded_totals('minute') t
     WHERE t.bucket >= $4 AND t.bucket < $5
       AND ($1 IS NULL OR t.project_id = $1) AND ($2 IS NULL OR t.environment = $2) AND ($3 IS NULL OR t.event_type = $3)
)
