-- $1 tenant, $2 traces as traces.sql gives them, $3 how many spans of each are shown, $4 of how many of them texts, too, $5 how many characters of
-- each, $6 whether who asks may read texts, $7 project or NULL: the traces with their spans. Of a list of messages the last one is shown. The ends of a trace took
-- no time of their own.
SELECT coalesce(json_agg(json_build_object(
           'trace_id', t.trace_id, 'name', left(t.name, 200), 'started_at', to_char(t.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
           'latency', t.latency_ms, 'cost', t.cost_usd, 'status', t.status, 'events', t.event_count,
           'tokens', coalesce(t.input_tokens, 0) + coalesce(t.output_tokens, 0),
           'models', (SELECT coalesce(json_agg(left(m.model, 200)), '[]') FROM (SELECT unnest(t.models) AS model LIMIT 8) m),
           'user_id', left(t.user_id, 200), 'spans', coalesce(s.spans, '[]')) ORDER BY t.n), '[]')::text
  FROM (SELECT r.*, o.n
          FROM json_array_elements($2::json) WITH ORDINALITY AS o (one, n)
         CROSS JOIN LATERAL json_to_record(o.one) AS r (trace_id text, name text, started_at timestamptz, ended_at timestamptz, latency_ms float8,
                                                        cost_usd numeric, status text, event_count numeric, input_tokens numeric,
                                                        output_tokens numeric, models text[], user_id text)) t
  LEFT JOIN LATERAL (
        SELECT json_agg(json_build_object(
                   'event_type', e.event_type, 'span_id', e.span_id, 'parent_span_id', e.parent_span_id, 'name', left(e.name, 200),
                   'subject', left(coalesce(e.tool_name, e.model), 200), 'status', e.status,
                   'error', left(concat_ws(': ', e.error_type, CASE WHEN $6 THEN nullif(left(e.error_message, $5), '') END), $5 + 1),
                   'start', extract(epoch FROM e.ts - t.started_at)::float8 * 1000, 'latency', e.latency_ms,
                   'tokens', CASE WHEN e.billable THEN e.total_tokens END, 'cost', CASE WHEN e.billable THEN e.cost_usd END,
                   'input', CASE WHEN $6 AND e.n <= $4 THEN left(coalesce(observa_internal.last_message(e.input, 'user'), e.input), $5 + 1) END,
                   'output', CASE WHEN $6 AND e.n <= $4 THEN left(coalesce(observa_internal.last_message(e.output, 'assistant'), e.output), $5 + 1) END) ORDER BY e.n) AS spans
          FROM (SELECT f.*, row_number() OVER (ORDER BY f.ts, f.event_id) AS n
                  FROM (SELECT v.event_type, v.span_id, v.parent_span_id, v.name, v.tool_name, v.model, v.status, v.error_type, v.ts, v.event_id,
                               CASE WHEN v.event_type NOT IN ('trace_start', 'trace_end') THEN v.latency_ms END AS latency_ms, v.total_tokens, v.billable, v.cost_usd,
                               CASE WHEN $6 THEN v.error_message END AS error_message, CASE WHEN $6 THEN v.input END AS input,
                               CASE WHEN $6 THEN v.output END AS output
                          FROM observa.events v
                         WHERE v.tenant_id = $1 AND v.trace_id = t.trace_id AND v.ts >= t.started_at AND v.ts <= t.ended_at
                           AND ($7 IS NULL OR v.project_id = $7)
                         ORDER BY v.ts, v.event_id
                         LIMIT $3) f) e) s ON true
