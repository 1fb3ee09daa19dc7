-- Conversations, sessions, users and traces, kept while events come in: a list of the newest answers from an index. Maintenance folds
-- what batches add into activities, and computes the traces anew that have changed.
CREATE TABLE IF NOT EXISTS observa_internal.activities (
    tenant_id uuid NOT NULL,
    actor text NOT NULL CHECK (actor IN ('conversation', 'session', 'user')),
    id text COLLATE "C" NOT NULL,
    project_id uuid NOT NULL,
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    events bigint NOT NULL,
    messages bigint NOT NULL,
    traces bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL,
    priced bigint NOT NULL,
    cost_usd numeric NOT NULL,
    issues bigint NOT NULL,
    user_id text COLLATE "C",
    session_id text COLLATE "C",
    PRIMARY KEY (tenant_id, actor, id, project_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.activities IS 'What conversations, sessions and users add up to';
COMMENT ON COLUMN observa_internal.activities.issues IS 'Events that were not ok';
COMMENT ON CONSTRAINT activities_pkey ON observa_internal.activities IS 'The row that is added to, and one that somebody asks for';
CREATE INDEX IF NOT EXISTS activities_newest ON observa_internal.activities (tenant_id, actor, last_seen DESC);
COMMENT ON INDEX observa_internal.activities_newest IS 'The newest conversations, sessions or users of a tenant';

CREATE TABLE IF NOT EXISTS observa_internal.traces (
    tenant_id uuid NOT NULL,
    trace_id text COLLATE "C" NOT NULL,
    project_id uuid NOT NULL,
    named_by integer NOT NULL DEFAULT 0,
    name text,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    reported_latency_ms double precision,
    outcome_at timestamptz,
    outcome text,
    worst text NOT NULL,
    models text[],
    event_count bigint NOT NULL,
    input_tokens bigint,
    output_tokens bigint,
    priced bigint NOT NULL DEFAULT 0,
    cost_usd numeric NOT NULL DEFAULT 0,
    signal_count bigint NOT NULL,
    user_id text COLLATE "C",
    session_id text COLLATE "C",
    conversation_id text COLLATE "C",
    PRIMARY KEY (tenant_id, trace_id, project_id)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE observa_internal.traces IS 'What traces add up to';
COMMENT ON COLUMN observa_internal.traces.named_by IS 'Which event gave the name: 3 one that starts the trace, 2 a span without parent, 1 one with an agent, 0 none';
COMMENT ON COLUMN observa_internal.traces.outcome IS 'Status of the last end that the application reported, at outcome_at; NULL: none';
COMMENT ON COLUMN observa_internal.traces.worst IS 'The worst status of its events';
COMMENT ON COLUMN observa_internal.traces.priced IS 'Billable events whose cost is known';
COMMENT ON CONSTRAINT traces_pkey ON observa_internal.traces IS 'A trace that has changed, and one that somebody asks for';
CREATE INDEX IF NOT EXISTS traces_newest ON observa_internal.traces (tenant_id, started_at DESC);
COMMENT ON INDEX observa_internal.traces_newest IS 'The newest traces of a tenant';

-- Events of the traces are looked for between the times given and all that is known of them already: without times every day's
-- index would be asked, and all at once a day without statistics would be read whole.
CREATE OR REPLACE FUNCTION observa_internal.trace_summaries(tenant uuid, trace_ids text[], since timestamptz, until timestamptz)
    RETURNS SETOF observa_internal.traces
    LANGUAGE sql STABLE ROWS 10
    BEGIN ATOMIC
    WITH known AS (
        SELECT least(since, min(t.started_at)) AS since, greatest(until, max(t.ended_at)) AS until
          FROM observa_internal.traces t
         WHERE t.tenant_id = tenant AND t.trace_id = ANY (trace_ids)
    ), summed AS (
        SELECT e.tenant_id, e.project_id, e.trace_id,
               max(e.name COLLATE "C") FILTER (WHERE e.event_type = 'trace_start') AS start_name,
               max(e.name COLLATE "C") FILTER (WHERE e.parent_span_id IS NULL) AS root_name, max(e.agent_name COLLATE "C") AS agent_name,
               min(e.ts) AS started_at,
               max(e.ts + make_interval(secs => CASE WHEN e.event_type IN ('trace_start', 'trace_end') THEN 0
                                                     ELSE least(coalesce(e.latency_ms, 0), 8.64e11) / 1000 END)) AS ended_at,
               max(e.latency_ms) FILTER (WHERE e.event_type = 'trace_end') AS reported_latency_ms,
               max(e.ts) FILTER (WHERE e.event_type = 'trace_end') AS outcome_at,
               (array_agg(e.status ORDER BY e.ts DESC, e.status DESC) FILTER (WHERE e.event_type = 'trace_end'))[1] AS outcome,
               CASE WHEN bool_or(e.status = 'error') THEN 'error' WHEN bool_or(e.status = 'timeout') THEN 'timeout'
                    ELSE 'ok' END AS worst,
               (array_agg(DISTINCT e.model COLLATE "C") FILTER (WHERE e.model IS NOT NULL))[1:100] AS models,
               count(*) AS event_count,
               sum(e.input_tokens) FILTER (WHERE e.billable) AS input_tokens,
               sum(e.output_tokens) FILTER (WHERE e.billable) AS output_tokens,
               count(e.cost_usd) FILTER (WHERE e.billable) AS priced,
               coalesce(sum(e.cost_usd) FILTER (WHERE e.billable), 0) AS cost_usd,
               max(e.user_id COLLATE "C") AS user_id, max(e.session_id COLLATE "C") AS session_id, max(e.conversation_id) AS conversation_id
          FROM (SELECT DISTINCT unnest(trace_ids) AS trace_id) t
         CROSS JOIN LATERAL (SELECT * FROM observa_internal.events n
                              WHERE n.tenant_id = tenant AND n.trace_id = t.trace_id
                                AND n.ts >= (SELECT k.since FROM known k) AND n.ts <= (SELECT k.until FROM known k) OFFSET 0) e
         GROUP BY e.tenant_id, e.project_id, e.trace_id)
    SELECT s.tenant_id, s.trace_id, s.project_id,
           CASE WHEN s.start_name IS NOT NULL THEN 3 WHEN s.root_name IS NOT NULL THEN 2 WHEN s.agent_name IS NOT NULL THEN 1 ELSE 0 END,
           coalesce(s.start_name, s.root_name, s.agent_name), s.started_at, s.ended_at, s.reported_latency_ms, s.outcome_at, s.outcome,
           s.worst, s.models, s.event_count,
           CASE WHEN s.input_tokens < 9e18 THEN s.input_tokens::bigint END,
           CASE WHEN s.output_tokens < 9e18 THEN s.output_tokens::bigint END, s.priced, s.cost_usd,
           (SELECT count(*) FROM observa_internal.signals n
             WHERE n.tenant_id = s.tenant_id AND n.trace_id = s.trace_id AND n.project_id = s.project_id
               AND n.ts >= (SELECT k.since FROM known k) AND n.ts <= (SELECT k.until FROM known k)),
           s.user_id, s.session_id, s.conversation_id
      FROM summed s;
    END;
COMMENT ON FUNCTION observa_internal.trace_summaries(uuid, text[], timestamptz, timestamptz) IS 'What traces of a tenant add up to now';
REVOKE ALL ON FUNCTION observa_internal.trace_summaries(uuid, text[], timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.trace_summaries(uuid, text[], timestamptz, timestamptz) TO observa_read;
