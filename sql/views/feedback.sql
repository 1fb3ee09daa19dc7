-- What feedback is about: the span that it names (its parent, or its own id), else the last call or answer before it in its trace, else in
-- its conversation. A function, as a join of each day with each day would make a plan of thousands of nodes; the times bound its days.
CREATE OR REPLACE FUNCTION observa_internal.feedback_subject(tenant uuid, project uuid, at timestamptz, trace text, span text, parent text,
        conversation text) RETURNS observa_internal.events
    LANGUAGE sql STABLE PARALLEL SAFE COST 1000
    BEGIN ATOMIC
    SELECT CASE WHEN trace IS NOT NULL THEN
        (SELECT e FROM observa_internal.events e
          WHERE e.tenant_id = tenant AND e.trace_id = trace AND e.project_id = project AND e.event_type <> 'feedback'
            AND e.ts <= at AND e.ts > at - interval '30 days'
            AND (e.span_id IN (span, parent) OR e.event_type IN ('llm_call', 'output'))
          ORDER BY coalesce(e.span_id = parent, false) DESC, coalesce(e.span_id = span, false) DESC,
                   e.event_type = 'llm_call' DESC, e.ts DESC, e.event_id
          LIMIT 1)
    ELSE
        (SELECT e FROM observa_internal.events e
          WHERE e.tenant_id = tenant AND e.conversation_id = conversation AND e.project_id = project AND e.event_type = 'llm_call'
            AND e.ts <= at AND e.ts > at - interval '30 days'
          ORDER BY e.ts DESC, e.event_id
          LIMIT 1)
    END;
    END;
COMMENT ON FUNCTION observa_internal.feedback_subject(uuid, uuid, timestamptz, text, text, text, text) IS 'The event that feedback is about; NULL: none of the 30 days before it';
REVOKE ALL ON FUNCTION observa_internal.feedback_subject(uuid, uuid, timestamptz, text, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.feedback_subject(uuid, uuid, timestamptz, text, text, text, text) TO observa_read;

-- OFFSET 0: each function is called once a row, and not once a column.
CREATE OR REPLACE VIEW observa.feedback WITH (security_invoker = true) AS
SELECT f.event_id AS id, f.ts AS created_at, a.type, a.rating, a.outcome, a.comment,
       CASE a.type WHEN 'like' THEN 1 WHEN 'dislike' THEN 0 WHEN 'rating' THEN (a.rating - 1) / 4 END::double precision AS score,
       f.user_id, f.trace_id, f.conversation_id, f.session_id,
       CASE WHEN (s.about).event_id IS NULL THEN NULL
            WHEN f.trace_id IS NULL THEN 'conversation'
            WHEN (s.about).span_id IN (f.span_id, f.parent_span_id) THEN 'span' ELSE 'trace' END AS found_by,
       (s.about).event_id, (s.about).event_type, (s.about).span_id, (s.about).ts AS event_ts, (s.about).route, (s.about).provider,
       (s.about).model, (s.about).version, (s.about).agent_name, (s.about).tool_name, (s.about).status, (s.about).latency_ms,
       (s.about).cost_usd, (s.about).coherence_score, (s.about).toxicity_score, (s.about).hallucination_risk,
       f.environment, f.tenant_id, f.project_id
  FROM observa_internal.events f
 CROSS JOIN LATERAL (SELECT p.attributes ->> 'type' AS type, observa_internal.number(p.attributes ->> 'rating') AS rating,
                            p.attributes ->> 'outcome' AS outcome, p.attributes ->> 'comment' AS comment
                       FROM (SELECT observa_internal.event_attributes(f.tenant_id, f.ts, f.event_id) AS attributes OFFSET 0) p
                     OFFSET 0) a
 CROSS JOIN LATERAL (SELECT observa_internal.feedback_subject(f.tenant_id, f.project_id, f.ts, f.trace_id, f.span_id, f.parent_span_id,
                                                              f.conversation_id) AS about OFFSET 0) s
 WHERE f.event_type = 'feedback';
COMMENT ON VIEW observa.feedback IS 'What people said of answers, beside what they said it of

A row for each event of type feedback. What it is about: the span that its parent_span_id or span_id names, else the last LLM call before it in its trace, else in
its conversation, of the 30 days before. created_at bounds what is read.';
COMMENT ON COLUMN observa.feedback.type IS 'like, dislike, rating or correction';
COMMENT ON COLUMN observa.feedback.rating IS '1 to 5; NULL: none was given';
COMMENT ON COLUMN observa.feedback.score IS '0 to 1: 1 of a like, 0 of a dislike, of a rating where it stands between 1 and 5; NULL: a correction';
COMMENT ON COLUMN observa.feedback.comment IS 'Scrubbed; NULL: none, or kept no more';
COMMENT ON COLUMN observa.feedback.found_by IS 'span, trace or conversation; NULL: nothing was found, and so are the columns after it';
COMMENT ON COLUMN observa.feedback.event_id IS 'What it is about, as in observa.events';
COMMENT ON COLUMN observa.feedback.latency_ms IS 'Milliseconds of what it is about';
COMMENT ON COLUMN observa.feedback.cost_usd IS 'USD of what it is about; NULL: no price or no usage';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.feedback
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
