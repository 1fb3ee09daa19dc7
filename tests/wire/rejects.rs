//! A bad line is rejected alone, with its number, a stable code and a message; the server lives and the others are stored.

use observa_tests::Database;
use observa_tests::event::{DAY_MS, llm_call, now_ms};
use serde_json::{Value, json};

/// A line, and the code and field of its rejection.
fn bad_lines() -> Vec<(String, &'static str, Value)> {
    let nested = |event_type: &str, attributes: Value| {
        json!({"event_type": event_type, "attributes": {event_type: attributes}}).to_string()
    };
    let field = |name: &str| json!(name);
    vec![
        ("{\"model\":".into(), "invalid_json", Value::Null),
        ("{\"model\":\"m\"} x".into(), "invalid_json", Value::Null),
        ("{'model':'m'}".into(), "invalid_json", Value::Null),
        ("hello".into(), "invalid_json", Value::Null),
        ("{\"model\":\"m\",\"temperature\":NaN}".into(), "invalid_json", Value::Null),
        ("{\"model\":\"m\",\"temperature\":Infinity}".into(), "invalid_json", Value::Null),
        ("7".into(), "not_an_object", Value::Null),
        ("\"text\"".into(), "not_an_object", Value::Null),
        ("[1]".into(), "not_an_object", Value::Null),
        ("null".into(), "not_an_object", Value::Null),
        ("{}".into(), "missing_field", field("event_type")),
        (nested("llm_call", json!({"latency_ms": 1})), "missing_field", field("model")),
        (nested("llm_call", json!({"model": "m"})), "missing_field", field("latency_ms")),
        (
            nested("tool_call", json!({"latency_ms": 1, "result_status": "success"})),
            "missing_field",
            field("tool_name"),
        ),
        (
            nested("tool_call", json!({"latency_ms": 1, "tool_name": "t"})),
            "missing_field",
            field("result_status"),
        ),
        (nested("error", json!({"error_message": "m"})), "missing_field", field("error_type")),
        (nested("error", json!({"error_type": "m"})), "missing_field", field("error_message")),
        (nested("embedding", json!({"latency_ms": 1})), "missing_field", field("model")),
        (nested("vector_db_operation", json!({"latency_ms": 1})), "missing_field", field("operation_type")),
        (nested("cache_operation", json!({"latency_ms": 1})), "missing_field", field("hit_status")),
        (nested("agent_create", json!({})), "missing_field", field("agent_name")),
        (nested("feedback", json!({})), "missing_field", field("type")),
        (nested("feedback", json!({"type": "rating"})), "missing_field", field("rating")),
        (r#"{"model":"m","latency_ms":"fast"}"#.into(), "invalid_type", field("latency_ms")),
        (r#"{"model":"m","input_tokens":"12"}"#.into(), "invalid_type", field("input_tokens")),
        (r#"{"model":"m","input_tokens":1.5}"#.into(), "invalid_type", field("input_tokens")),
        (r#"{"model":["m"]}"#.into(), "invalid_type", field("model")),
        (r#"{"model":"m","trace_id":{"a":1}}"#.into(), "invalid_type", field("trace_id")),
        (r#"{"model":"m","timestamp":"yesterday"}"#.into(), "invalid_type", field("timestamp")),
        (r#"{"model":"m","timestamp":true}"#.into(), "invalid_type", field("timestamp")),
        (r#"{"event_type":5,"model":"m"}"#.into(), "invalid_type", field("event_type")),
        (
            r#"{"event_type":"llm_call","attributes":"x","model":"m"}"#.into(),
            "invalid_type",
            field("attributes"),
        ),
        (nested("feedback", json!({"type": "shrug"})), "invalid_type", field("type")),
        (r#"{"model":"m","latency_ms":-1}"#.into(), "out_of_range", field("latency_ms")),
        (r#"{"model":"m","output_tokens":-3}"#.into(), "out_of_range", field("output_tokens")),
        (
            r#"{"model":"gpt-4o","usage":{"prompt_tokens":99999999999999}}"#.into(),
            "out_of_range",
            field("usage"),
        ),
        (r#"{"model":"gpt-4o","usage":{"prompt_tokens":9e18}}"#.into(), "out_of_range", field("usage")),
        (
            r#"{"model":"gpt-4o","usage":{"prompt_tokens":1,"completion_tokens":-1}}"#.into(),
            "out_of_range",
            field("usage"),
        ),
        (r#"{"model":"m","input_tokens":1e19}"#.into(), "out_of_range", field("input_tokens")),
        (r#"{"model":"m","cost":-0.1}"#.into(), "out_of_range", field("cost")),
        (r#"{"model":"m","latency_ms":1e400}"#.into(), "out_of_range", Value::Null),
        (r#"{"model":"m","anything":-1e999}"#.into(), "out_of_range", Value::Null),
        (r#"{"event_type":"telepathy","model":"m"}"#.into(), "unknown_event_type", field("event_type")),
        (json!({"model": "m", "trace_id": "t".repeat(513)}).to_string(), "value_too_long", field("trace_id")),
        (json!({"model": "m".repeat(513)}).to_string(), "value_too_long", field("model")),
        (json!({"model": "m", "event_id": "é".repeat(257)}).to_string(), "value_too_long", field("event_id")),
        (
            json!({"model": "m", "timestamp": now_ms() - 31 * DAY_MS}).to_string(),
            "timestamp_out_of_window",
            field("timestamp"),
        ),
        (
            json!({"model": "m", "timestamp": now_ms() + 2 * DAY_MS}).to_string(),
            "timestamp_out_of_window",
            field("timestamp"),
        ),
        (json!({"model": "m", "timestamp": 5}).to_string(), "timestamp_out_of_window", field("timestamp")),
        (r#"{"model":"m","tenant_id":"nobody-knows"}"#.into(), "tenant_mismatch", field("tenant_id")),
        (r#"{"resourceMetrics":[]}"#.into(), "unsupported_format", Value::Null),
        (json!({"model": "m", "input": "x".repeat(1 << 20)}).to_string(), "line_too_large", Value::Null),
        (
            format!("{{\"model\":\"m\",\"x\":{}1{}}}", "[".repeat(128), "]".repeat(128)),
            "too_deep",
            Value::Null,
        ),
        (
            format!("{{\"model\":\"m\",\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000)),
            "too_deep",
            Value::Null,
        ),
        ("[".repeat(10_000), "too_deep", Value::Null),
    ]
}

#[test]
fn each_bad_line_has_its_number_code_and_field_and_the_others_are_stored() {
    let mut db = Database::ready();
    let bad = bad_lines();
    let mut body = String::new();
    for (n, (line, _, _)) in bad.iter().enumerate() {
        body.push_str(&format!("{}\n{line}\n", llm_call(&format!("good{n}"))));
    }
    let answer = db.ingest(&body);
    assert_eq!(answer["accepted"], bad.len(), "{answer}");
    assert_eq!(answer["rejected"], bad.len(), "{answer}");
    let errors = answer["errors"].as_array().unwrap();
    for (n, (line, code, field)) in bad.iter().enumerate() {
        let shown: String = line.chars().take(80).collect();
        let error = &errors[n];
        assert_eq!(error["line"], 2 * n + 2, "{shown}: {error}");
        assert_eq!(error["code"], **code, "{shown}: {error}");
        assert_eq!(&error["field"], field, "{shown}: {error}");
        assert!(error["message"].as_str().unwrap().len() > 10, "{shown}: {error}");
    }
    assert_eq!(db.count("observa.events"), bad.len() as i64);
    let letters = db.table("SELECT line, code, field, message FROM observa.rejected_events ORDER BY line");
    assert_eq!(&letters, errors, "the answer and the dead letters say the same");
    // Alone, too: a body of one bad line is no other case.
    for (line, code, _) in &bad {
        let answer = db.ingest(line);
        let code_now = &answer["errors"][0]["code"];
        // A lone array is the array form: its elements are the lines.
        let is_array = line.starts_with('[');
        assert!(
            is_array || code_now == *code,
            "{code_now} is not {code}: {}",
            line.chars().take(80).collect::<String>()
        );
        assert_eq!(answer["accepted"], 0);
    }
}

#[test]
fn the_contracts_message_for_a_wrong_type() {
    let mut db = Database::ready();
    let answer = db.ingest(r#"{"model":"m","latency_ms":"fast"}"#);
    assert_eq!(
        answer["errors"],
        json!([{"line": 1, "code": "invalid_type", "field": "latency_ms", "message": "latency_ms must be a number, got string"}])
    );
}

#[test]
fn the_answer_has_the_contracts_members() {
    let mut db = Database::ready();
    let answer = db.ingest(&llm_call("e").to_string());
    let id = answer["batch_id"].as_str().unwrap();
    assert!(uuid::Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 7), "{id}");
    let rest = json!({"accepted": 1, "duplicates": 0, "rejected": 0, "signals": 0, "alerts": 0, "redactions": 0, "errors": [],
                      "batch_id": id});
    assert_eq!(answer, rest);
}

#[test]
fn at_most_a_hundred_errors_are_listed_and_all_are_counted() {
    let mut db = Database::ready();
    let answer = db.ingest(&"x\n".repeat(250));
    assert_eq!((&answer["rejected"], answer["errors"].as_array().unwrap().len()), (&json!(250), 100));
    assert_eq!(db.count("observa.rejected_events"), 250);
}

#[test]
fn messages_never_show_the_lines_values() {
    let mut db = Database::ready();
    let secret = "Zq8-unheard-of-value";
    for line in [
        format!(r#"{{"model":"m","latency_ms":"{secret}"}}"#),
        format!(r#"{{"model":"m","timestamp":"{secret}"}}"#),
        format!(r#"{{"event_type":"{secret}"}}"#),
        format!(r#"{{"model":"m","tenant_id":"{secret}"}}"#),
        format!(r#"{{"event_type":"feedback","type":"{secret}"}}"#),
        format!(r#"{{"model":"m","{secret}":}}"#),
        format!(r#"{{"model":"m","trace_id":"{}"}}"#, secret.repeat(40)),
    ] {
        let answer = db.ingest(&line);
        assert_eq!(answer["rejected"], 1, "{line}");
        assert!(!answer.to_string().contains(secret), "{answer}");
    }
}

#[test]
fn an_id_of_exactly_the_limit_is_stored_in_every_column_at_once() {
    let mut db = Database::ready();
    let id = "i".repeat(512);
    let event = json!({"event_id": id, "trace_id": id, "span_id": id, "parent_span_id": id, "conversation_id": id, "session_id": id,
                       "user_id": id, "model": id, "route": id, "agent_name": id, "timestamp": now_ms(), "latency_ms": 9000});
    let answer = db.ingest(&event.to_string());
    assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(1), &json!(1)), "{answer}");
}

#[test]
fn longer_ids_are_stored_when_the_limit_is_raised() {
    let mut db = Database::ready();
    // No letter twice in a row: compression must not be what makes the keys fit.
    let id: String =
        (0..100).map(|n| format!("{:08x}", (n as u32 + 1).wrapping_mul(2_654_435_761))).collect();
    db.run("SET observa.max_id_bytes = 800");
    let event = json!({"event_id": id, "trace_id": id, "conversation_id": id, "model": id, "route": id, "timestamp": now_ms(), "latency_ms": 9000});
    assert_eq!(db.ingest(&event.to_string())["accepted"], 1);
    db.run("RESET observa.max_id_bytes");
    assert_eq!(db.ingest(&event.to_string())["errors"][0]["code"], "value_too_long");
}
