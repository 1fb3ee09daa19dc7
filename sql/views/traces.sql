-- Folded rows, but for the traces that have changed since: these are computed now. Each half is in the
-- order in which the newest are asked for: a query's LIMIT then reads as much of the index as it shows.
CREATE OR REPLACE VIEW observa.traces WITH (security_invoker = true) AS
(SELECT f.trace_id, f.name, f.started_at, f.ended_at,
       coalesce(f.reported_latency_ms, extract(epoch FROM f.ended_at - f.started_at)::double precision * 1000) AS latency_ms,
       coalesce(f.outcome, f.worst) AS status, f.models, f.event_count, f.input_tokens, f.output_tokens,
       CASE WHEN f.priced > 0 THEN f.cost_usd END AS cost_usd, f.signal_count, f.user_id, f.session_id, f.conversation_id, f.tenant_id, f.project_id
  FROM observa_internal.traces f
 WHERE f.tenant_id::text || f.trace_id <> ALL (ARRAY(SELECT t.tenant_id::text || pg_catalog.unnest(t.trace_ids) FROM observa_internal.unfolded_traces() t))
 ORDER BY f.started_at DESC)
UNION ALL
(SELECT s.trace_id, s.name, s.started_at, s.ended_at,
       coalesce(s.reported_latency_ms, extract(epoch FROM s.ended_at - s.started_at)::double precision * 1000) AS latency_ms,
       coalesce(s.outcome, s.worst) AS status, s.models, s.event_count, s.input_tokens, s.output_tokens,
       CASE WHEN s.priced > 0 THEN s.cost_usd END AS cost_usd, s.signal_count, s.user_id, s.session_id, s.conversation_id, s.tenant_id, s.project_id
  FROM observa_internal.unfolded_traces() t
 CROSS JOIN LATERAL observa_internal.trace_summaries(t.tenant_id, t.trace_ids, t.since, t.until) s
 ORDER BY s.started_at DESC);
COMMENT ON VIEW observa.traces IS 'Traces: one request to the application each, with all its calls

Tokens and money count each provider call once. status is the outcome that the application reported last, else the worst of
its events. A trace that goes through several projects has a row for each; observa.trace(trace_id) shows it whole, as a
tree.';
COMMENT ON COLUMN observa.traces.latency_ms IS 'Milliseconds: as the application reported, else from the first event''s start to the last one''s end';

-- What conversations, sessions and users have in common: who or what it is, and what it used. Folded rows, but for those of which
-- something has changed since.
CREATE OR REPLACE VIEW observa.conversations WITH (security_invoker = true) AS
(SELECT f.id, f.first_seen, f.last_seen, f.messages AS message_count, f.traces AS trace_count, f.tokens,
       CASE WHEN f.priced > 0 THEN f.cost_usd END AS cost_usd, f.issues > 0 AS has_issues, f.user_id, f.session_id, f.tenant_id, f.project_id
  FROM observa_internal.activities f
 WHERE f.actor = 'conversation'
   AND f.project_id::text || f.id <> ALL (ARRAY(SELECT t.project_id::text || t.id FROM observa_internal.unfolded_activities('conversation') t))
 ORDER BY f.last_seen DESC)
UNION ALL
(SELECT t.id, least(f.first_seen, t.first_seen), greatest(f.last_seen, t.last_seen) AS last_seen, coalesce(f.messages, 0) + t.messages,
       coalesce(f.traces, 0) + coalesce(n.traces, 0), coalesce(f.tokens, 0) + t.tokens,
       CASE WHEN coalesce(f.priced, 0) + t.priced > 0 THEN coalesce(f.cost_usd, 0) + t.cost_usd END,
       coalesce(f.issues, 0) + t.issues > 0, greatest(CASE WHEN f.user_id <> ALL (t.lost_user_ids) THEN f.user_id END, t.user_id), greatest(CASE WHEN f.session_id <> ALL (t.lost_session_ids) THEN f.session_id END, t.session_id), t.tenant_id, t.project_id
  FROM observa_internal.unfolded_activities('conversation') t
  LEFT JOIN observa_internal.activities f
    ON f.tenant_id = t.tenant_id AND f.actor = 'conversation' AND f.id = t.id AND f.project_id = t.project_id
  -- Traces that have changed are counted for whom they are of now, instead of for whom they were.
  LEFT JOIN (SELECT x.tenant_id, x.project_id, x.id, sum(x.traces)::bigint AS traces
               FROM observa_internal.unfolded_traces() u
              CROSS JOIN LATERAL (
                    SELECT s.tenant_id, s.project_id, s.conversation_id AS id, 1 AS traces
                      FROM observa_internal.trace_summaries(u.tenant_id, u.trace_ids, u.since, u.until) s
                    UNION ALL
                    SELECT o.tenant_id, o.project_id, o.conversation_id, -1
                      FROM observa_internal.traces o WHERE o.tenant_id = u.tenant_id AND o.trace_id = ANY (u.trace_ids)) x
              WHERE x.id IS NOT NULL
              GROUP BY x.tenant_id, x.project_id, x.id) n
    ON n.tenant_id = t.tenant_id AND n.project_id = t.project_id AND n.id = t.id
 WHERE coalesce(f.events, 0) + t.events > 0
 ORDER BY last_seen DESC);
COMMENT ON VIEW observa.conversations IS 'Conversations: their length, cost and whether something failed in them';

CREATE OR REPLACE VIEW observa.sessions WITH (security_invoker = true) AS
(SELECT f.id, f.first_seen, f.last_seen, f.messages AS message_count, f.traces AS trace_count, f.tokens,
       CASE WHEN f.priced > 0 THEN f.cost_usd END AS cost_usd, f.issues > 0 AS has_issues, f.user_id, f.tenant_id, f.project_id
  FROM observa_internal.activities f
 WHERE f.actor = 'session'
   AND f.project_id::text || f.id <> ALL (ARRAY(SELECT t.project_id::text || t.id FROM observa_internal.unfolded_activities('session') t))
 ORDER BY f.last_seen DESC)
UNION ALL
(SELECT t.id, least(f.first_seen, t.first_seen), greatest(f.last_seen, t.last_seen) AS last_seen, coalesce(f.messages, 0) + t.messages,
       coalesce(f.traces, 0) + coalesce(n.traces, 0), coalesce(f.tokens, 0) + t.tokens,
       CASE WHEN coalesce(f.priced, 0) + t.priced > 0 THEN coalesce(f.cost_usd, 0) + t.cost_usd END,
       coalesce(f.issues, 0) + t.issues > 0, greatest(CASE WHEN f.user_id <> ALL (t.lost_user_ids) THEN f.user_id END, t.user_id), t.tenant_id, t.project_id
  FROM observa_internal.unfolded_activities('session') t
  LEFT JOIN observa_internal.activities f
    ON f.tenant_id = t.tenant_id AND f.actor = 'session' AND f.id = t.id AND f.project_id = t.project_id
  -- Traces that have changed are counted for whom they are of now, instead of for whom they were.
  LEFT JOIN (SELECT x.tenant_id, x.project_id, x.id, sum(x.traces)::bigint AS traces
               FROM observa_internal.unfolded_traces() u
              CROSS JOIN LATERAL (
                    SELECT s.tenant_id, s.project_id, s.session_id AS id, 1 AS traces
                      FROM observa_internal.trace_summaries(u.tenant_id, u.trace_ids, u.since, u.until) s
                    UNION ALL
                    SELECT o.tenant_id, o.project_id, o.session_id, -1
                      FROM observa_internal.traces o WHERE o.tenant_id = u.tenant_id AND o.trace_id = ANY (u.trace_ids)) x
              WHERE x.id IS NOT NULL
              GROUP BY x.tenant_id, x.project_id, x.id) n
    ON n.tenant_id = t.tenant_id AND n.project_id = t.project_id AND n.id = t.id
 WHERE coalesce(f.events, 0) + t.events > 0
 ORDER BY last_seen DESC);
COMMENT ON VIEW observa.sessions IS 'Sessions of users: their length, cost and whether something failed in them';

CREATE OR REPLACE VIEW observa.users WITH (security_invoker = true) AS
(SELECT f.id, f.first_seen, f.last_seen, f.messages AS message_count, f.traces AS trace_count, f.tokens,
       CASE WHEN f.priced > 0 THEN f.cost_usd END AS cost_usd, f.issues > 0 AS has_issues, f.tenant_id, f.project_id
  FROM observa_internal.activities f
 WHERE f.actor = 'user'
   AND f.project_id::text || f.id <> ALL (ARRAY(SELECT t.project_id::text || t.id FROM observa_internal.unfolded_activities('user') t))
 ORDER BY f.last_seen DESC)
UNION ALL
(SELECT t.id, least(f.first_seen, t.first_seen), greatest(f.last_seen, t.last_seen) AS last_seen, coalesce(f.messages, 0) + t.messages,
       coalesce(f.traces, 0) + coalesce(n.traces, 0), coalesce(f.tokens, 0) + t.tokens,
       CASE WHEN coalesce(f.priced, 0) + t.priced > 0 THEN coalesce(f.cost_usd, 0) + t.cost_usd END,
       coalesce(f.issues, 0) + t.issues > 0, t.tenant_id, t.project_id
  FROM observa_internal.unfolded_activities('user') t
  LEFT JOIN observa_internal.activities f
    ON f.tenant_id = t.tenant_id AND f.actor = 'user' AND f.id = t.id AND f.project_id = t.project_id
  -- Traces that have changed are counted for whom they are of now, instead of for whom they were.
  LEFT JOIN (SELECT x.tenant_id, x.project_id, x.id, sum(x.traces)::bigint AS traces
               FROM observa_internal.unfolded_traces() u
              CROSS JOIN LATERAL (
                    SELECT s.tenant_id, s.project_id, s.user_id AS id, 1 AS traces
                      FROM observa_internal.trace_summaries(u.tenant_id, u.trace_ids, u.since, u.until) s
                    UNION ALL
                    SELECT o.tenant_id, o.project_id, o.user_id, -1
                      FROM observa_internal.traces o WHERE o.tenant_id = u.tenant_id AND o.trace_id = ANY (u.trace_ids)) x
              WHERE x.id IS NOT NULL
              GROUP BY x.tenant_id, x.project_id, x.id) n
    ON n.tenant_id = t.tenant_id AND n.project_id = t.project_id AND n.id = t.id
 WHERE coalesce(f.events, 0) + t.events > 0
 ORDER BY last_seen DESC);
COMMENT ON VIEW observa.users IS 'End users of the application: what they used, and whether something failed for them

An id that is personal data stands here as its keyed hash, kind:hex.';
