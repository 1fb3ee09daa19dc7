-- $1 traces of the acting tenant that have changed, $2 and $3 when the first and the last of what has changed began. Their rows are
-- computed anew, and counted for whom they are of.
WITH new AS MATERIALIZED (
    SELECT * FROM observa_internal.trace_summaries(observa.current_tenant(), $1, $2, $3)
), old AS MATERIALIZED (
    SELECT t.trace_id, t.project_id, t.user_id, t.session_id, t.conversation_id
      FROM observa_internal.traces t
     WHERE t.tenant_id = observa.current_tenant() AND t.trace_id = ANY ($1)
), put AS (
    INSERT INTO observa_internal.traces AS t SELECT * FROM new ORDER BY trace_id, project_id
        ON CONFLICT (tenant_id, trace_id, project_id) DO UPDATE
       SET name = excluded.name, started_at = excluded.started_at, ended_at = excluded.ended_at, latency_ms = excluded.latency_ms,
           status = excluded.status, models = excluded.models, event_count = excluded.event_count,
           input_tokens = excluded.input_tokens, output_tokens = excluded.output_tokens, cost_usd = excluded.cost_usd,
           signal_count = excluded.signal_count, user_id = excluded.user_id, session_id = excluded.session_id,
           conversation_id = excluded.conversation_id
), counted AS (
    SELECT c.project_id, c.actor, c.id, sum(c.traces) AS traces
      FROM (SELECT n.project_id, x.actor, x.id, 1 AS traces
              FROM new n, LATERAL (VALUES ('user', n.user_id), ('session', n.session_id), ('conversation', n.conversation_id)) x (actor, id)
            UNION ALL
            SELECT o.project_id, x.actor, x.id, -1
              FROM old o, LATERAL (VALUES ('user', o.user_id), ('session', o.session_id), ('conversation', o.conversation_id)) x (actor, id)
             -- A trace whose events are gone keeps its row, and is counted still.
             WHERE EXISTS (SELECT FROM new n WHERE n.trace_id = o.trace_id AND n.project_id = o.project_id)) c
     WHERE c.id IS NOT NULL
     GROUP BY c.project_id, c.actor, c.id
    HAVING sum(c.traces) <> 0
)
UPDATE observa_internal.activities a
   SET traces = a.traces + c.traces
  FROM counted c
 WHERE a.tenant_id = observa.current_tenant() AND a.actor = c.actor AND a.id = c.id AND a.project_id = c.project_id
