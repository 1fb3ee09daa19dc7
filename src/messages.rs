//! What a person said last, out of a prompt that may be text or a list of messages.

use pgrx::prelude::*;
use serde_json::Value;

/// NULL where a list of messages has none of the role.
#[pg_extern(sql = false)]
pub fn last_message(content: &str, role: &str) -> Option<String> {
    let messages: Vec<Value> = match content.trim_start().as_bytes().first() {
        Some(b'[') => match serde_json::from_str(content) {
            Ok(messages) => messages,
            Err(_) => return Some(content.to_owned()),
        },
        Some(b'{') => match serde_json::from_str::<Value>(content) {
            Ok(message) if message.get("role").is_some() => vec![message],
            _ => return Some(content.to_owned()),
        },
        _ => return Some(content.to_owned()),
    };
    if !messages.iter().any(|message| message.get("role").is_some()) {
        return Some(content.to_owned());
    }
    let said =
        messages.iter().rev().find(|message| message.get("role").and_then(Value::as_str) == Some(role))?;
    let text = text_of(said.get("content").or_else(|| said.get("parts"))?)?;
    // JSON in a text may escape it, and Postgres can't hold it.
    Some(if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text })
}

/// Text, or the texts of parts: `{"type":"text","text":...}` as OpenAI has it, `content` as OpenTelemetry does.
fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| {
                    part.as_str().or_else(|| part.get("text").or_else(|| part.get("content"))?.as_str())
                })
                .collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        Value::Null => None,
        other => Some(other.to_string()),
    }
}
