//! The flat form: one object a line with everything at the top level, as people write it in their own code.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::event::iso;
use crate::{cast, prose, secrets, week};

/// A line of a night script that somebody wrote in an afternoon.
pub fn line(until: Timestamp, dice: &mut Dice) -> Value {
    let at = week::moment(until, dice);
    match dice.between(0, 9) {
        0 => tool_call(at, dice),
        1 => error(at, dice),
        _ => llm_call(at, dice),
    }
}

fn llm_call(at: Timestamp, dice: &mut Dice) -> Value {
    let (mut prompt, answer) = prose::any(dice);
    if dice.one_in(60) {
        prompt = format!("{prompt} {}", secrets::credential(dice));
    } else if dice.one_in(40) {
        prompt = format!("{prompt} {}", secrets::contact(dice));
    }
    let latency = dice.millis(1_100.0, 0.5);
    let mut call = json!({
        "event_type": "llm_call",
        "timestamp": stamp(at, dice),
        "model": dice.pick(&["gpt-4o-mini", "claude-3-5-haiku-20241022", "gemini-2.5-flash"]),
        "input_tokens": prose::tokens(&prompt) + 12,
        "output_tokens": prose::tokens(&answer),
        "prompt": prompt,
        "response": answer,
        "latency_ms": latency,
        "user_id": user(dice),
        "route": "/night/reports",
        "tags": { "team": dice.pick(&["search", "reports"]) },
    });
    if dice.one_in(30) {
        call["status"] = json!("error");
        call["error_type"] = json!("context_length_exceeded");
        call["response"] = Value::Null;
        call["output_tokens"] = json!(0);
    }
    call
}

fn tool_call(at: Timestamp, dice: &mut Dice) -> Value {
    let tool = dice.pick(cast::TOOLS);
    json!({
        "event_type": "tool_call",
        "event_id": format!("night-{}", dice.hex(12)),
        "timestamp": stamp(at, dice),
        "tool_name": tool.name,
        "args": { "city": cast::fill("{city}", dice) },
        "result_status": "success",
        "latency_ms": dice.millis(tool.median_ms, 0.6),
        "route": "/night/reports",
    })
}

fn error(at: Timestamp, dice: &mut Dice) -> Value {
    json!({
        "event_type": "error",
        "timestamp": stamp(at, dice),
        "error_type": dice.pick(&["ValueError", "KeyError", "TimeoutError"]),
        "error_message": cast::fill("the report for {day} has no rows", dice),
        "stack": "report.py:88 in build\nreport.py:31 in main",
        "route": "/night/reports",
    })
}

/// Some use the e-mail address as the user's id.
fn user(dice: &mut Dice) -> String {
    let number = dice.between(1, 140);
    if dice.one_in(25) { format!("reader{number}@example.com") } else { format!("user-{number}") }
}

/// ISO 8601 or, as often met, epoch seconds or milliseconds.
fn stamp(at: Timestamp, dice: &mut Dice) -> Value {
    match dice.between(0, 4) {
        0 => json!(at.as_second()),
        1 => json!(at.as_millisecond()),
        _ => json!(iso(at)),
    }
}
