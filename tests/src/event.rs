//! Events as clients write them, at times that the server takes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

/// Milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis() as i64
}

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The object with members set on top of it.
pub fn with(mut event: Value, members: Value) -> Value {
    if let (Value::Object(event), Value::Object(members)) = (&mut event, members) {
        event.extend(members);
    }
    event
}

/// A flat LLM call with an id and a time, at no price and under every threshold.
pub fn llm_call(event_id: &str) -> Value {
    json!({"event_type": "llm_call", "event_id": event_id, "timestamp": now_ms() - 1000, "model": "test-model-x",
           "input": "a question", "output": "an answer", "latency_ms": 100})
}

/// NDJSON of events.
pub fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}
