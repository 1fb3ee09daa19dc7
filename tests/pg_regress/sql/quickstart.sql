-- "Your first event", as the README has it.
SELECT observa.ingest('{"event_type": "llm_call", "model": "gpt-4o-mini", "route": "/chat",
    "input": "My key is sk-proj-..., mail me at ada@example.com", "output": "Done.",
    "input_tokens": 812, "output_tokens": 96, "latency_ms": 2450}') - 'batch_id' AS answer;
SELECT model, input, cost_usd, latency_ms, status FROM observa.events WHERE route = '/chat';
SELECT name, severity, value, threshold FROM observa.signals WHERE route = '/chat' ORDER BY name;
SELECT title, severity, status FROM observa.alerts WHERE alert_group LIKE '%/chat%';
SELECT title, count, users, state FROM observa.issues WHERE subject LIKE '%/chat%' ORDER BY title;
-- What did each model cost today?
SELECT model, count(*), sum(cost_usd) FROM observa.events
WHERE billable AND ts >= date_trunc('day', now()) AND route = '/chat' GROUP BY model ORDER BY 3 DESC NULLS LAST;
-- The whole story of one trace.
SELECT observa.ingest('[
    {"event_type": "agent_create", "agent_name": "planner", "trace_id": "7d03", "span_id": "a"},
    {"event_type": "tool_call", "tool_name": "search", "trace_id": "7d03", "span_id": "b", "parent_span_id": "a", "latency_ms": 20},
    {"event_type": "llm_call", "model": "gpt-4o", "trace_id": "7d03", "span_id": "c", "parent_span_id": "a", "input_tokens": 1000}
]') - 'batch_id' AS answer;
SELECT jsonb_path_query_array(observa.trace('7d03'), '$.spans[*].event_type') AS roots,
       jsonb_path_query_array(observa.trace('7d03'), '$.spans[*].children[*].event_type') AS children;
SELECT name, status, models, event_count, input_tokens, cost_usd FROM observa.traces WHERE trace_id = '7d03';
-- What would this be without its secrets?
SELECT observa.scrub('mail ada@example.com');
