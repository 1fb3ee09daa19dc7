//! Legacy trace events in camelCase: one finished call a line.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::event::iso;
use crate::{prose, week};

pub fn line(until: Timestamp, dice: &mut Dice) -> Value {
    let (query, response) = prose::any(dice);
    if dice.one_in(8) {
        return smallest(&query, &response, dice);
    }
    let status: u16 = if dice.one_in(30) { 503 } else { 200 };
    let (prompt, completion) = (prose::tokens(&query) + 180, prose::tokens(&response));
    json!({
        "traceId": dice.hex(32),
        "spanId": dice.hex(16),
        "timestamp": iso(week::moment(until, dice)),
        "environment": "prod",
        "query": query,
        "context": "Opening hours, postage and returns, as of this spring.",
        "model": dice.pick(&["gpt-4o-mini", "mistral-large-latest"]),
        "metadata": { "widget": "footer" },
        "responseLength": response.chars().count(),
        "response": response,
        "tokensPrompt": prompt,
        "tokensCompletion": completion,
        "tokensTotal": prompt + completion,
        "latencyMs": dice.millis(950.0, 0.5),
        "timeToFirstTokenMs": dice.millis(300.0, 0.3),
        "status": status,
        "statusText": if status == 200 { "OK" } else { "Service Unavailable" },
        "finishReason": "stop",
        "conversationId": format!("widget-{}", dice.hex(8)),
        "userId": format!("user-{}", dice.between(1, 140)),
        "messageIndex": 0,
    })
}

/// What the oldest client sends: no time and no span.
fn smallest(query: &str, response: &str, dice: &mut Dice) -> Value {
    json!({
        "traceId": dice.hex(32),
        "query": query,
        "model": "gpt-4o-mini",
        "response": response,
        "latency": dice.millis(950.0, 0.5),
    })
}
