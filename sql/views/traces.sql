CREATE OR REPLACE FUNCTION observa_internal.trace_signal_count(tenant uuid, project uuid, trace text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE COST 10
    RETURN (SELECT count(*) FROM observa_internal.signals s
             WHERE s.tenant_id = tenant AND s.trace_id = trace AND s.project_id = project);
COMMENT ON FUNCTION observa_internal.trace_signal_count(uuid, uuid, text) IS 'How many signals a trace has in a project';
REVOKE ALL ON FUNCTION observa_internal.trace_signal_count(uuid, uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION observa_internal.trace_signal_count(uuid, uuid, text) TO observa_read;

CREATE OR REPLACE VIEW observa.traces WITH (security_invoker = true) AS
SELECT t.trace_id, t.name, t.started_at, t.ended_at,
       coalesce(t.reported_latency_ms, extract(epoch FROM t.ended_at - t.started_at)::double precision * 1000) AS latency_ms,
       coalesce(t.outcome, t.worst) AS status,
       t.models, t.event_count, t.input_tokens, t.output_tokens, t.cost_usd,
       observa_internal.trace_signal_count(t.tenant_id, t.project_id, t.trace_id) AS signal_count,
       t.user_id, t.session_id, t.conversation_id, t.tenant_id, t.project_id
  FROM (SELECT e.tenant_id, e.project_id, e.trace_id,
               coalesce(max(e.name) FILTER (WHERE e.event_type = 'trace_start'),
                        max(e.name) FILTER (WHERE e.parent_span_id IS NULL), max(e.agent_name)) AS name,
               min(e.ts) AS started_at,
               max(e.ts + make_interval(secs => CASE WHEN e.event_type IN ('trace_start', 'trace_end') THEN 0
                                                     ELSE least(coalesce(e.latency_ms, 0), 8.64e8) / 1000 END)) AS ended_at,
               max(e.latency_ms) FILTER (WHERE e.event_type = 'trace_end') AS reported_latency_ms,
               (array_agg(e.status ORDER BY e.ts DESC, e.event_id DESC) FILTER (WHERE e.event_type = 'trace_end'))[1] AS outcome,
               CASE WHEN bool_or(e.status = 'error') THEN 'error' WHEN bool_or(e.status = 'timeout') THEN 'timeout'
                    ELSE 'ok' END AS worst,
               array_agg(DISTINCT e.model) FILTER (WHERE e.model IS NOT NULL) AS models,
               count(*) AS event_count,
               sum(e.input_tokens) FILTER (WHERE e.billable)::bigint AS input_tokens,
               sum(e.output_tokens) FILTER (WHERE e.billable)::bigint AS output_tokens,
               sum(e.cost_usd) FILTER (WHERE e.billable) AS cost_usd,
               max(e.user_id) AS user_id, max(e.session_id) AS session_id, max(e.conversation_id) AS conversation_id
          FROM observa_internal.events e
         WHERE e.trace_id IS NOT NULL
         GROUP BY e.tenant_id, e.project_id, e.trace_id) t;
COMMENT ON VIEW observa.traces IS 'Traces: one request to the application each, with all its calls

Tokens and money count each provider call once. status is the outcome that the application reported last, else the worst of
its events. A trace that goes through several projects has a row for each; observa.trace(trace_id) shows it whole, as a
tree.';
COMMENT ON COLUMN observa.traces.latency_ms IS 'Milliseconds: as the application reported, else from the first event''s start to the last one''s end';

-- What conversations, sessions and users have in common: who or what it is, and what it used.
CREATE OR REPLACE VIEW observa.conversations WITH (security_invoker = true) AS
SELECT e.conversation_id AS id, min(e.ts) AS first_seen, max(e.ts) AS last_seen,
       count(*) FILTER (WHERE e.event_type = 'llm_call') AS message_count,
       count(DISTINCT e.trace_id) AS trace_count, sum(e.total_tokens) FILTER (WHERE e.billable)::bigint AS tokens,
       sum(e.cost_usd) FILTER (WHERE e.billable) AS cost_usd, bool_or(e.status <> 'ok') AS has_issues,
       max(e.user_id) AS user_id, max(e.session_id) AS session_id, e.tenant_id, e.project_id
  FROM observa_internal.events e
 WHERE e.conversation_id IS NOT NULL
 GROUP BY e.tenant_id, e.project_id, e.conversation_id;
COMMENT ON VIEW observa.conversations IS 'Conversations: their length, cost and whether something failed in them';

CREATE OR REPLACE VIEW observa.sessions WITH (security_invoker = true) AS
SELECT e.session_id AS id, min(e.ts) AS first_seen, max(e.ts) AS last_seen,
       count(*) FILTER (WHERE e.event_type = 'llm_call') AS message_count,
       count(DISTINCT e.trace_id) AS trace_count, sum(e.total_tokens) FILTER (WHERE e.billable)::bigint AS tokens,
       sum(e.cost_usd) FILTER (WHERE e.billable) AS cost_usd, bool_or(e.status <> 'ok') AS has_issues,
       max(e.user_id) AS user_id, e.tenant_id, e.project_id
  FROM observa_internal.events e
 WHERE e.session_id IS NOT NULL
 GROUP BY e.tenant_id, e.project_id, e.session_id;
COMMENT ON VIEW observa.sessions IS 'Sessions of users: their length, cost and whether something failed in them';

CREATE OR REPLACE VIEW observa.users WITH (security_invoker = true) AS
SELECT e.user_id AS id, min(e.ts) AS first_seen, max(e.ts) AS last_seen,
       count(*) FILTER (WHERE e.event_type = 'llm_call') AS message_count,
       count(DISTINCT e.trace_id) AS trace_count, sum(e.total_tokens) FILTER (WHERE e.billable)::bigint AS tokens,
       sum(e.cost_usd) FILTER (WHERE e.billable) AS cost_usd, bool_or(e.status <> 'ok') AS has_issues,
       e.tenant_id, e.project_id
  FROM observa_internal.events e
 WHERE e.user_id IS NOT NULL
 GROUP BY e.tenant_id, e.project_id, e.user_id;
COMMENT ON VIEW observa.users IS 'End users of the application: what they used, and whether something failed for them

An id that is personal data stands here as its keyed hash, kind:hex.';
