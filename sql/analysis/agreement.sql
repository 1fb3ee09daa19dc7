-- $1 since, $2 until, $3 a judge's threshold.
SELECT c.evaluator, c.heuristic, c.judged, c.both_found, c.judge_only, c.heuristic_only, c.neither,
       (c.both_found + c.neither)::double precision / c.judged,
       CASE WHEN x.chance < 1 THEN ((c.both_found + c.neither)::double precision / c.judged - x.chance) / (1 - x.chance) END
  FROM (SELECT r.evaluator, h.heuristic, pg_catalog.count(*) AS judged,
               pg_catalog.count(*) FILTER (WHERE f.judge AND f.heuristic) AS both_found,
               pg_catalog.count(*) FILTER (WHERE f.judge AND NOT f.heuristic) AS judge_only,
               pg_catalog.count(*) FILTER (WHERE NOT f.judge AND f.heuristic) AS heuristic_only,
               pg_catalog.count(*) FILTER (WHERE NOT f.judge AND NOT f.heuristic) AS neither
          FROM observa.analysis_results r
          JOIN (VALUES ('hallucination', 'hallucination_risk'), ('toxicity', 'high_toxicity'), ('prompt_injection', 'prompt_injection'),
                       ('answer_quality', 'coherence_score')) AS h (evaluator, heuristic) ON h.evaluator = r.evaluator
         CROSS JOIN LATERAL (
               SELECT r.score > $3,
                      CASE WHEN h.heuristic = 'coherence_score'
                           THEN coalesce((SELECT e.coherence_score < 0.5 FROM observa_internal.events e
                                           WHERE e.tenant_id = r.tenant_id AND e.ts = r.ts AND e.event_id = r.event_id), false)
                           ELSE EXISTS (SELECT FROM observa_internal.signals s
                                         WHERE s.tenant_id = r.tenant_id AND s.ts = r.ts AND s.event_id = r.event_id
                                           AND s.name = h.heuristic AND NOT s.details ? 'result_id') END) AS f (judge, heuristic)
         WHERE r.created_at >= $1 AND r.created_at < $2 AND r.event_id IS NOT NULL
         GROUP BY r.evaluator, h.heuristic) c
 CROSS JOIN LATERAL (
       SELECT ((c.both_found + c.judge_only)::double precision * (c.both_found + c.heuristic_only)
               + (c.neither + c.heuristic_only)::double precision * (c.neither + c.judge_only))
              / (c.judged::double precision * c.judged)) AS x (chance)
 ORDER BY c.evaluator
