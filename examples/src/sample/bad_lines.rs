//! Lines as they go wrong in practice. Each is rejected alone, with its code; the good lines around it are stored.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::dice::Dice;
use crate::event::iso;
use crate::{by_hand, prose};

const GOOD_LINES_BETWEEN: usize = 3;
const LONGEST_ID: usize = 512;
/// More than `observa.max_depth`.
const NESTING: usize = 200;
/// More than `observa.ingest_window_past`.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(24 * 45);

/// Bad lines with good ones between, without line ends. Bytes, since one is not UTF-8.
pub fn lines(until: Timestamp, dice: &mut Dice) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    for bad in bad(until, dice) {
        for _ in 0..GOOD_LINES_BETWEEN {
            lines.push(by_hand::line(until, dice).to_string().into_bytes());
        }
        lines.push(bad);
    }
    lines
}

fn bad(until: Timestamp, dice: &mut Dice) -> Vec<Vec<u8>> {
    let now = iso(until);
    let call = |field: &str, value: serde_json::Value| {
        let mut call = json!({ "event_type": "llm_call", "timestamp": now, "model": "gpt-4o-mini", "latency_ms": 640, "input": "Good evening" });
        call[field] = value;
        call.to_string()
    };
    let without = |field: &str, text: String| text.replace(field, "somewhere_else");
    let deep = format!("{}1{}", "[".repeat(NESTING), "]".repeat(NESTING));
    let texts = [
        // invalid_json
        r#"{"event_type":"llm_call","model":"gpt-4o-mini","latency_ms":64"#.to_owned(),
        r#"{"event_type":"llm_call","model":"gpt-4o-mini",}"#.to_owned(),
        "{'event_type': 'llm_call', 'model': 'gpt-4o-mini', 'latency_ms': 512}".to_owned(),
        "Traceback (most recent call last):".to_owned(),
        format!(r#"{{"event_type":"llm_call","input":"mail reader{}@example.com""#, dice.between(10, 99)),
        // not_an_object
        "42".to_owned(),
        r#""llm_call""#.to_owned(),
        // missing_field
        without("model", call("model", json!("gpt-4o-mini"))),
        without("latency_ms", call("latency_ms", json!(640))),
        json!({ "event_type": "tool_call", "timestamp": now, "result_status": "success", "latency_ms": 12 })
            .to_string(),
        json!({ "event_type": "error", "timestamp": now, "error_type": "ValueError" }).to_string(),
        // invalid_type
        call("latency_ms", json!("fast")),
        call("input_tokens", json!("many")),
        call("model", json!(["gpt-4o-mini"])),
        call("timestamp", json!("yesterday at noon")),
        // out_of_range
        call("latency_ms", json!(-5)),
        call("input_tokens", json!(-1)),
        // unknown_event_type
        call("event_type", json!("llm_cal")),
        // timestamp_out_of_window
        call("timestamp", json!(iso(until - TOO_OLD))),
        call("timestamp", json!("2031-01-01T00:00:00Z")),
        // value_too_long
        call("trace_id", json!("t".repeat(LONGEST_ID + 100))),
        // too_deep
        call("metadata", json!("DEEP")).replace("\"DEEP\"", &deep),
    ];
    let mut lines: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    // invalid_utf8: a text in another encoding.
    lines.push([b"{\"event_type\":\"llm_call\",\"input\":\"Caf".as_slice(), &[0xE9], b"\"}"].concat());
    // Rude, but whole: the last line is a good one.
    lines.push(call("output", json!(prose::any(dice).1)).into_bytes());
    lines
}
