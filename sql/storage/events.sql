-- Ids that are in an index are compared as bytes: a language's order would cost more and mean nothing.
-- The hot row: narrow and typed. What is long lives in event_payloads under the same key.
CREATE TABLE IF NOT EXISTS observa_internal.events (
    tenant_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    project_id uuid NOT NULL,
    environment text NOT NULL,
    event_type text NOT NULL CHECK (event_type IN ('llm_call', 'tool_call', 'retrieval', 'error', 'embedding',
        'vector_db_operation', 'cache_operation', 'agent_create', 'feedback', 'output', 'trace_start', 'trace_end',
        'guardrail', 'reasoning_step', 'prompt_template')),
    observation_type text,
    trace_id text COLLATE "C",
    span_id text,
    parent_span_id text,
    conversation_id text COLLATE "C",
    session_id text,
    user_id text,
    message_index bigint,
    agent_name text,
    version text,
    route text,
    name text,
    provider text,
    model text,
    response_model text,
    response_id text,
    tool_name text,
    status text NOT NULL CHECK (status IN ('ok', 'error', 'timeout')),
    error_type text,
    latency_ms double precision,
    ttft_ms double precision,
    input_tokens bigint,
    output_tokens bigint,
    cached_input_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    total_tokens bigint,
    cost_usd numeric,
    reported_cost_usd numeric,
    cost_source text NOT NULL CHECK (cost_source IN ('computed', 'reported', 'none')),
    billable boolean NOT NULL,
    finish_reason text,
    redactions integer NOT NULL,
    translator_version integer NOT NULL,
    batch_id uuid NOT NULL,
    ingested_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, ts, event_id)
) PARTITION BY RANGE (ts);
ALTER TABLE observa_internal.events
    ADD COLUMN IF NOT EXISTS coherence_score double precision,
    ADD COLUMN IF NOT EXISTS toxicity_score double precision,
    ADD COLUMN IF NOT EXISTS sentiment_score double precision,
    ADD COLUMN IF NOT EXISTS hallucination_risk double precision,
    ADD COLUMN IF NOT EXISTS prompt_category text,
    ADD COLUMN IF NOT EXISTS metric_tags text[];
COMMENT ON TABLE observa_internal.events IS 'One event each, a partition a day (UTC)';
COMMENT ON COLUMN observa_internal.events.metric_tags IS 'tag=value for each tag that metrics are kept by, as it was counted; NULL: none';
COMMENT ON CONSTRAINT events_pkey ON observa_internal.events IS 'A tenant''s time range, and the retry of an event';

-- With the time: the newest of a long trace are found without the others, and where a table has no statistics yet, as a new day's, the planner
-- takes a range of times for as rare as a trace, and would read the range. An older storage keeps indexes of these names without it
-- (docs/operations.md): they are not built while everybody waits.
CREATE INDEX IF NOT EXISTS events_trace ON observa_internal.events (tenant_id, trace_id, ts);
COMMENT ON INDEX observa_internal.events_trace IS 'observa.trace(id) and GET /events?trace_id=eq., the newest of a trace';
CREATE INDEX IF NOT EXISTS events_conversation ON observa_internal.events (tenant_id, conversation_id, ts)
    WHERE conversation_id IS NOT NULL;
COMMENT ON INDEX observa_internal.events_conversation IS 'observa.messages of a conversation, and its newest calls';

CREATE INDEX IF NOT EXISTS events_response ON observa_internal.events (tenant_id, response_id)
    WHERE response_id IS NOT NULL AND billable;
COMMENT ON INDEX observa_internal.events_response IS 'The call that was billed for an answer, when another library''s span of it comes';

CREATE INDEX IF NOT EXISTS events_feedback ON observa_internal.events (tenant_id, ts) WHERE event_type = 'feedback';
COMMENT ON INDEX observa_internal.events_feedback IS 'observa.dashboard_feedback';

CREATE TABLE IF NOT EXISTS observa_internal.event_payloads (
    tenant_id uuid NOT NULL,
    ts timestamptz NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    input text COMPRESSION lz4,
    output text COMPRESSION lz4,
    error_message text COMPRESSION lz4,
    attributes jsonb COMPRESSION lz4,
    PRIMARY KEY (tenant_id, ts, event_id)
) PARTITION BY RANGE (ts);
COMMENT ON TABLE observa_internal.event_payloads IS 'Prompts, answers and attributes: what dashboards never read';
COMMENT ON CONSTRAINT event_payloads_pkey ON observa_internal.event_payloads IS 'The payload of one event';

-- Retries of events without a time of their own: their ts is ours, so only the id can tell them.
CREATE TABLE IF NOT EXISTS observa_internal.event_keys (
    tenant_id uuid NOT NULL,
    arrived_on date NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, arrived_on, event_id)
) PARTITION BY RANGE (arrived_on);
COMMENT ON TABLE observa_internal.event_keys IS 'Ids of events that came without a time, kept two days';
