-- $1 trace id, $2 tenant: a trace's row of observa.traces. One that goes through several projects has one summary of them all,
-- whose project_id is null, and projects lists them.
WITH part AS (
    SELECT t.trace_id, t.name, t.started_at, t.ended_at,
           coalesce(t.reported_latency_ms, extract(epoch FROM t.ended_at - t.started_at)::double precision * 1000) AS latency_ms,
           coalesce(t.outcome, t.worst) AS status, t.models, t.event_count, t.input_tokens, t.output_tokens,
           CASE WHEN t.priced > 0 THEN t.cost_usd END AS cost_usd, t.signal_count, t.user_id, t.session_id, t.conversation_id,
           t.tenant_id, t.project_id
      FROM observa_internal.trace_summaries($2, ARRAY[$1], '-infinity', 'infinity') t
)
SELECT (CASE WHEN count(*) = 1 THEN jsonb_agg(to_jsonb(p)) -> 0
            ELSE jsonb_build_object(
                'trace_id', $1,
                'name', (array_agg(p.name ORDER BY p.started_at) FILTER (WHERE p.name IS NOT NULL))[1],
                'started_at', min(p.started_at), 'ended_at', max(p.ended_at),
                'latency_ms', extract(epoch FROM max(p.ended_at) - min(p.started_at))::double precision * 1000,
                'status', CASE WHEN bool_or(p.status = 'error') THEN 'error'
                               WHEN bool_or(p.status = 'timeout') THEN 'timeout' ELSE 'ok' END,
                'models', (SELECT array_agg(DISTINCT m) FROM part, unnest(part.models) m),
                'event_count', sum(p.event_count),
                'input_tokens', sum(p.input_tokens), 'output_tokens', sum(p.output_tokens), 'cost_usd', sum(p.cost_usd),
                'signal_count', sum(p.signal_count),
                'user_id', max(p.user_id), 'session_id', max(p.session_id), 'conversation_id', max(p.conversation_id),
                'tenant_id', $2, 'project_id', NULL, 'projects', jsonb_agg(p.project_id ORDER BY p.started_at)) END)::text
  FROM part p
