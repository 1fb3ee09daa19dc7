-- Payload columns are functions, not scalar subqueries: a plan with a subquery for each column over each partition is so
-- large that the planner would have it compiled, which takes half a minute (measured: 32 s for one row, 12 ms without).
-- Like subqueries, they cost nothing when they are not asked for, and the caller's own rights hold in them.
CREATE OR REPLACE FUNCTION observa_internal.event_input(tenant uuid, at timestamptz, id text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE COST 10
    RETURN (SELECT p.input FROM observa_internal.event_payloads p
             WHERE p.tenant_id = tenant AND p.ts = at AND p.event_id = id);
COMMENT ON FUNCTION observa_internal.event_input(uuid, timestamptz, text) IS 'The input of an event; NULL: it has none';
CREATE OR REPLACE FUNCTION observa_internal.event_output(tenant uuid, at timestamptz, id text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE COST 10
    RETURN (SELECT p.output FROM observa_internal.event_payloads p
             WHERE p.tenant_id = tenant AND p.ts = at AND p.event_id = id);
COMMENT ON FUNCTION observa_internal.event_output(uuid, timestamptz, text) IS 'The output of an event; NULL: it has none';
CREATE OR REPLACE FUNCTION observa_internal.event_error_message(tenant uuid, at timestamptz, id text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE COST 10
    RETURN (SELECT p.error_message FROM observa_internal.event_payloads p
             WHERE p.tenant_id = tenant AND p.ts = at AND p.event_id = id);
COMMENT ON FUNCTION observa_internal.event_error_message(uuid, timestamptz, text) IS 'The error_message of an event; NULL: it has none';
CREATE OR REPLACE FUNCTION observa_internal.event_attributes(tenant uuid, at timestamptz, id text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE COST 10
    RETURN (SELECT p.attributes FROM observa_internal.event_payloads p
             WHERE p.tenant_id = tenant AND p.ts = at AND p.event_id = id);
COMMENT ON FUNCTION observa_internal.event_attributes(uuid, timestamptz, text) IS 'The attributes of an event; NULL: it has none';
REVOKE ALL ON FUNCTION observa_internal.event_input(uuid, timestamptz, text),
    observa_internal.event_output(uuid, timestamptz, text), observa_internal.event_error_message(uuid, timestamptz, text),
    observa_internal.event_attributes(uuid, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.event_input(uuid, timestamptz, text),
    observa_internal.event_output(uuid, timestamptz, text), observa_internal.event_error_message(uuid, timestamptz, text),
    observa_internal.event_attributes(uuid, timestamptz, text) TO observa_read;

CREATE OR REPLACE VIEW observa.events WITH (security_invoker = true) AS
SELECT e.tenant_id, e.project_id, e.environment, e.event_id, e.ts, e.event_type, e.trace_id, e.span_id,
       e.parent_span_id, e.conversation_id, e.session_id, e.user_id, e.agent_name, e.version, e.route, e.provider,
       e.model, e.tool_name, e.status, e.error_type, e.latency_ms, e.ttft_ms, e.input_tokens, e.output_tokens,
       e.cached_input_tokens, e.cache_write_tokens, e.reasoning_tokens, e.total_tokens, e.cost_usd,
       e.reported_cost_usd, e.cost_source, e.billable, e.finish_reason, e.redactions,
       observa_internal.event_input(e.tenant_id, e.ts, e.event_id) AS input,
       observa_internal.event_output(e.tenant_id, e.ts, e.event_id) AS output,
       observa_internal.event_attributes(e.tenant_id, e.ts, e.event_id) AS attributes,
       e.ingested_at,
       observa_internal.event_error_message(e.tenant_id, e.ts, e.event_id) AS error_message,
       e.observation_type, e.message_index, e.name, e.response_model, e.response_id, e.translator_version, e.batch_id,
       e.coherence_score, e.toxicity_score, e.sentiment_score, e.hallucination_risk, e.prompt_category,
       e.metric_tags
  FROM observa_internal.events e;
COMMENT ON VIEW observa.events IS 'Events: what happened, when, how long it took and what it cost

Newest data is there at commit. Times are UTC, latencies in milliseconds, money in USD; NULL means not known.';
COMMENT ON COLUMN observa.events.ts IS 'Time of the event; of its arrival where the client gave none';
COMMENT ON COLUMN observa.events.latency_ms IS 'Milliseconds';
COMMENT ON COLUMN observa.events.ttft_ms IS 'Milliseconds to the first token';
COMMENT ON COLUMN observa.events.input_tokens IS 'Tokens in, cached ones included; NULL: not reported';
COMMENT ON COLUMN observa.events.output_tokens IS 'Tokens out, reasoning included; NULL: not reported';
COMMENT ON COLUMN observa.events.cost_usd IS 'USD, from the price book at the event''s time; NULL: no price or no usage';
COMMENT ON COLUMN observa.events.reported_cost_usd IS 'USD, as the client reported';
COMMENT ON COLUMN observa.events.cost_source IS 'computed, reported (no price, but the client says one), or none';
COMMENT ON COLUMN observa.events.billable IS 'True on the one event of each successful call to a provider: sums count only these';
COMMENT ON COLUMN observa.events.coherence_score IS '0 to 1, 1 is best: as the client sent it (then it is in attributes, too), else a heuristic''s; NULL: not known';
COMMENT ON COLUMN observa.events.toxicity_score IS '0 to 1, 1 is worst: as the client sent it, else a heuristic''s';
COMMENT ON COLUMN observa.events.sentiment_score IS '-1 to 1: as the client sent it, else a heuristic''s';
COMMENT ON COLUMN observa.events.hallucination_risk IS '0 to 1, 1 is worst: as the client sent it, else a heuristic''s';
COMMENT ON COLUMN observa.events.prompt_category IS 'summarization, translation, code_generation, explanation, content_creation, general, or what the client sent';
COMMENT ON COLUMN observa.events.redactions IS 'Secrets and personal data that were replaced';
COMMENT ON COLUMN observa.events.input IS 'Prompt or arguments: text, or JSON as the client wrote it';
COMMENT ON COLUMN observa.events.output IS 'Answer or result: text, or JSON as the client wrote it';
COMMENT ON COLUMN observa.events.attributes IS 'Everything that has no column of its own, under its own key';
COMMENT ON COLUMN observa.events.metric_tags IS 'tag=value for each value of the project''s metric_tags, by which observa.metrics_tag_hour counts it; NULL: none';

CREATE OR REPLACE VIEW observa.rejected_events WITH (security_invoker = true) AS
SELECT rejected_id AS id, tenant_id, project_id, batch_id, line, code, field, message, body, attempts, created_at
  FROM observa_internal.rejected_events;
COMMENT ON VIEW observa.rejected_events IS 'Dead letters: lines that ingest could not store, and why

observa.replay_rejected() ingests them again, after a limit or a client was mended.';

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.events
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();

CREATE OR REPLACE TRIGGER refuse_edit INSTEAD OF INSERT OR UPDATE OR DELETE ON observa.rejected_events
    FOR EACH ROW EXECUTE FUNCTION observa_internal.refuse_edit();
