//! Every type of event, nested and flat, finds its columns; what has none stays under its own key.

use observa_tests::Database;
use observa_tests::event::{HOUR_MS, lines, now_ms, with};
use serde_json::{Value, json};

/// A type, its attributes as the SDK sends them, and what the view `events` must show of them.
fn cases() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "llm_call",
            json!({"model": "test-model-x", "input": "ask", "output": "answer", "input_tokens": 11, "output_tokens": 7,
                   "total_tokens": 18, "latency_ms": 321.5, "time_to_first_token_ms": 42, "cost": 0.0125,
                   "temperature": 0.3, "finish_reason": "stop", "provider_name": "acme", "response_id": "resp-1",
                   "response_model": "test-model-x-0613", "choice_count": 2}),
            json!({"model": "test-model-x", "input": "ask", "output": "answer", "input_tokens": 11, "output_tokens": 7,
                   "total_tokens": 18, "latency_ms": 321.5, "ttft_ms": 42, "reported_cost_usd": 0.0125, "cost_usd": null,
                   "cost_source": "reported", "billable": true, "status": "ok", "provider": "acme", "finish_reason": "stop",
                   "response_id": "resp-1", "response_model": "test-model-x-0613",
                   "attributes": {"temperature": 0.3, "choice_count": 2}}),
        ),
        (
            "tool_call",
            json!({"tool_name": "search", "args": {"q": "x"}, "result_status": "timeout", "result": [1, 2], "latency_ms": 9,
                   "error_message": "took too long", "tool_call_id": "call_1"}),
            json!({"tool_name": "search", "input": "{\"q\":\"x\"}", "output": "[1,2]", "status": "timeout", "latency_ms": 9,
                   "error_message": "took too long", "billable": false, "attributes": {"tool_call_id": "call_1"}}),
        ),
        (
            "retrieval",
            json!({"retrieval_context_ids": ["d1", "d2"], "k": 5, "similarity_scores": [0.9, 0.8], "latency_ms": 12,
                   "retrieval_context": "two documents"}),
            json!({"output": "two documents", "latency_ms": 12, "billable": false, "status": "ok",
                   "attributes": {"retrieval_context_ids": ["d1", "d2"], "k": 5, "similarity_scores": [0.9, 0.8]}}),
        ),
        (
            "error",
            json!({"error_type": "ValueError", "error_message": "no such thing", "stack_trace": "line 1", "error_code": "E7"}),
            json!({"error_type": "ValueError", "error_message": "no such thing", "status": "error",
                   "attributes": {"stack_trace": "line 1", "error_code": "E7"}}),
        ),
        (
            "embedding",
            json!({"model": "test-embed", "dimension_count": 3, "input_tokens": 4, "latency_ms": 5, "input_text": "embed me",
                   "embeddings": [[0.1, 0.2, 0.3]]}),
            json!({"model": "test-embed", "input": "embed me", "input_tokens": 4, "latency_ms": 5, "billable": true,
                   "attributes": {"dimension_count": 3, "embeddings": [[0.1, 0.2, 0.3]]}}),
        ),
        (
            "vector_db_operation",
            json!({"operation_type": "vector_search", "index_name": "docs", "results_count": 3, "latency_ms": 6}),
            json!({"latency_ms": 6, "attributes": {"operation_type": "vector_search", "index_name": "docs", "results_count": 3}}),
        ),
        (
            "cache_operation",
            json!({"cache_backend": "redis", "cache_key": "k", "hit_status": "hit", "latency_ms": 1, "saved_cost": 0.2}),
            json!({"latency_ms": 1, "attributes": {"cache_backend": "redis", "cache_key": "k", "hit_status": "hit", "saved_cost": 0.2}}),
        ),
        (
            "agent_create",
            json!({"agent_name": "planner", "tools_bound": ["a"], "agent_config": {"retries": 2}}),
            json!({"agent_name": "planner", "attributes": {"tools_bound": ["a"], "agent_config": {"retries": 2}}}),
        ),
        (
            "feedback",
            json!({"type": "rating", "rating": 9, "comment": "fine", "outcome": "success"}),
            // Ratings are 1 to 5, and clamped.
            json!({"attributes": {"type": "rating", "rating": 5, "comment": "fine", "outcome": "success"}}),
        ),
        (
            "output",
            json!({"final_output": "the end", "output_length": 7}),
            json!({"output": "the end", "attributes": {"output_length": 7}}),
        ),
        (
            "trace_start",
            json!({"name": "checkout", "metadata": {"plan": "free"}}),
            json!({"name": "checkout", "attributes": {"metadata": {"plan": "free"}}}),
        ),
        (
            "trace_end",
            json!({"total_latency_ms": 1234, "total_cost": 0.5, "total_tokens": 99, "outcome": "error"}),
            json!({"latency_ms": 1234, "total_tokens": 99, "status": "error", "billable": false, "cost_usd": null,
                   "attributes": {"total_cost": 0.5}}),
        ),
        ("guardrail", json!({"policy": "no-pii"}), json!({"attributes": {"policy": "no-pii"}})),
        ("reasoning_step", json!({"thought": "hm"}), json!({"attributes": {"thought": "hm"}})),
        (
            "prompt_template",
            json!({"template": "Hello {{x}}"}),
            json!({"attributes": {"template": "Hello {{x}}"}}),
        ),
    ]
}

fn envelope(event_type: &str, number: usize) -> Value {
    json!({"event_id": format!("e{number}"), "event_type": event_type, "timestamp": now_ms() - HOUR_MS, "environment": "dev",
           "trace_id": "t1", "span_id": format!("s{number}"), "parent_span_id": "s0", "conversation_id": "c1",
           "session_id": "n1", "user_id": "u1", "agent_name": "planner", "version": "1.2", "route": "/ask",
           "message_index": 3, "observation_type": "generation"})
}

#[track_caller]
fn shows(event: &Value, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        let shown = &event[key];
        let same = shown == value || (shown.is_number() && shown.as_f64() == value.as_f64());
        assert!(same, "{}: {key} is {shown}, not {value}", event["event_type"]);
    }
}

#[test]
fn every_type_is_stored_nested_as_the_sdk_sends_it() {
    let mut db = Database::ready();
    let cases = cases();
    assert_eq!(cases.len(), 15);
    let events: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(n, (name, attributes, _))| with(envelope(name, n), json!({"attributes": {*name: attributes}})))
        .collect();
    let answer = db.ingest(&lines(&events));
    assert_eq!(answer["accepted"], 15, "{answer}");
    for (n, (name, _, expected)) in cases.iter().enumerate() {
        let event = db.row(&format!("SELECT * FROM observa.events WHERE event_id = 'e{n}'"));
        assert_eq!(event["event_type"], **name);
        shows(&event, expected);
        shows(
            &event,
            &json!({"environment": "dev", "trace_id": "t1", "span_id": format!("s{n}"), "parent_span_id": "s0",
                              "conversation_id": "c1", "session_id": "n1", "user_id": "u1", "agent_name": "planner",
                              "version": "1.2", "route": "/ask", "message_index": 3, "observation_type": "generation"}),
        );
    }
}

#[test]
fn every_type_is_stored_flat_as_people_write_it() {
    let mut db = Database::ready();
    let cases = cases();
    let events: Vec<Value> = cases
        .iter()
        .enumerate()
        .map(|(n, (name, attributes, _))| {
            let flat = json!({"event_id": format!("e{n}"), "event_type": name, "timestamp": now_ms()});
            with(flat, attributes.clone())
        })
        .collect();
    let answer = db.ingest(&lines(&events));
    assert_eq!(answer["accepted"], 15, "{answer}");
    for (n, (_, _, expected)) in cases.iter().enumerate() {
        shows(&db.row(&format!("SELECT * FROM observa.events WHERE event_id = 'e{n}'")), expected);
    }
}

#[test]
fn unknown_attributes_stay_under_their_own_key() {
    let mut db = Database::ready();
    let event = json!({"event_id": "e", "event_type": "llm_call", "model": "m", "house_style": {"deep": [1, {"x": null}]},
                       "attributes": {"llm_call": {"latency_ms": 1, "beam_width": 4}, "billing": {"plan": "pro"}},
                       "metadata": {"a": 1}, "tags": ["x", "y"]});
    db.ingest(&event.to_string());
    let attributes: Value = db.one("SELECT attributes FROM observa.events");
    assert_eq!(
        attributes,
        json!({"house_style": {"deep": [1, {"x": null}]}, "beam_width": 4, "billing": {"plan": "pro"},
               "metadata": {"a": 1}, "tags": ["x", "y"]})
    );
}

#[test]
fn a_duplicate_key_counts_once_and_the_last_wins() {
    let mut db = Database::ready();
    let answer = db.ingest(r#"{"event_id":"e","model":"first","model":"last","x":1,"x":2}"#);
    assert_eq!(answer["accepted"], 1, "{answer}");
    let event = db.row("SELECT model, attributes FROM observa.events");
    assert_eq!(event, json!({"model": "last", "attributes": {"x": 2}}));
}

#[test]
fn arguments_in_a_string_stay_the_string_they_are() {
    let mut db = Database::ready();
    for (id, arguments) in [("whole", r#"{"q": 1}"#), ("broken", r#"{"q": "#)] {
        let event = json!({"event_id": id, "event_type": "tool_call", "tool_name": "t", "args": arguments});
        db.ingest(&event.to_string());
        let stored: String = db.one(&format!("SELECT input FROM observa.events WHERE event_id = '{id}'"));
        assert_eq!(stored, arguments);
    }
}

#[test]
fn every_way_to_write_a_time_means_the_same_instant() {
    let mut db = Database::ready();
    // An hour ago, to the millisecond.
    let ms = now_ms() - HOUR_MS;
    let iso: String = db.one(&format!(
        "SELECT to_char(to_timestamp({ms} / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"
    ));
    let east: String = db.one(&format!(
        "SELECT to_char(to_timestamp({ms} / 1000.0) AT TIME ZONE 'Asia/Kolkata', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS') || '+05:30'"
    ));
    let ways = [
        json!(format!("{iso}Z")),
        json!(iso),
        json!(east),
        json!(ms),
        json!(ms * 1000),
        json!(ms * 1_000_000),
        json!(ms as f64 / 1000.0),
        json!(ms.to_string()),
    ];
    for (n, way) in ways.iter().enumerate() {
        let answer =
            db.ingest(&json!({"event_id": format!("e{n}"), "model": "m", "timestamp": way}).to_string());
        assert_eq!(answer["accepted"], 1, "{way}: {answer}");
    }
    let instants: Vec<String> = db
        .rows("SELECT DISTINCT (extract(epoch FROM ts) * 1000)::bigint::text FROM observa.events", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(instants, [ms.to_string()]);
}

#[test]
fn an_event_without_a_time_has_that_of_its_arrival() {
    let mut db = Database::ready();
    db.ingest(r#"{"model":"m"}"#);
    let age: f64 = db.one("SELECT extract(epoch FROM clock_timestamp() - ts)::float8 FROM observa.events");
    assert!((0.0..60.0).contains(&age), "{age}");
}

#[test]
fn observais_batch_and_the_first_sdks_events_become_llm_calls() {
    let mut db = Database::ready();
    let batch = json!({"batch_id": "b", "requests": [
        {"request_id": "r1", "user_id": "u", "model": "m", "prompt": "p", "response": "r", "tokens_in": 3, "tokens_out": 4,
         "tokens_total": 7, "cost_usd": 0.5, "toxicity_score": 0.1, "success": true, "prompt_category": "general"},
        {"request_id": "r2", "model": "m", "prompt": "p", "success": false, "error_message": "boom", "error_code": "500"}]});
    let answer = db.ingest(&batch.to_string());
    assert_eq!(answer["accepted"], 2, "{answer}");
    let calls = db.table(
        "SELECT request_id, prompt, response, tokens_in, tokens_out, tokens_total, success, error_message,
                                 error_code, prompt_category FROM observa.llm_requests ORDER BY request_id",
    );
    assert_eq!(
        calls[0],
        json!({"request_id": "r1", "prompt": "p", "response": "r", "tokens_in": 3, "tokens_out": 4, "tokens_total": 7,
                                "success": true, "error_message": null, "error_code": null, "prompt_category": "general"})
    );
    assert_eq!(
        (&calls[1]["success"], &calls[1]["error_message"], &calls[1]["error_code"]),
        (&json!(false), &json!("boom"), &json!("500"))
    );
    // Sent again: both are known by their request_id.
    assert_eq!(db.ingest(&batch.to_string())["duplicates"], 2);
    let legacy = json!({"traceId": "t9", "query": "q", "response": "a", "tokensPrompt": 1, "tokensCompletion": 2, "latencyMs": 30,
                        "status": 500, "statusText": "Internal Server Error", "timeToFirstTokenMs": 3, "model": "m"});
    assert_eq!(db.ingest(&legacy.to_string())["accepted"], 1);
    let call = db.row("SELECT event_type, input, output, input_tokens, output_tokens, latency_ms, ttft_ms, status, error_message
                         FROM observa.events WHERE trace_id = 't9'");
    assert_eq!(
        call,
        json!({"event_type": "llm_call", "input": "q", "output": "a", "input_tokens": 1, "output_tokens": 2,
                            "latency_ms": 30, "ttft_ms": 3, "status": "error", "error_message": "Internal Server Error"})
    );
    // The published SDK's smallest: no time, no span.
    assert_eq!(db.ingest(r#"{"traceId":"t10","query":"q","response":"a","latency":12}"#)["accepted"], 1);
}
