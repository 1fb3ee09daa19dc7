//! The text of a prompt or an answer, which may be a list of messages.

use std::borrow::Cow;

use crate::event::Content;
use crate::translate::json::{self, Object};

/// The last thing that a person said to the model; of other JSON all of it.
pub fn question<'c>(input: &'c Content) -> Cow<'c, str> {
    text(input, "user")
}

/// What the model said last.
pub fn answer<'c>(output: &'c Content) -> Cow<'c, str> {
    text(output, "assistant")
}

fn text<'c>(content: &'c Content, role: &str) -> Cow<'c, str> {
    match content {
        Content::Text(text) => Cow::Borrowed(text),
        Content::Json(raw) => last_of(raw, role).or_else(|| texts(raw)).unwrap_or(Cow::Borrowed(raw)),
    }
}

fn last_of<'c>(raw: &'c str, role: &str) -> Option<Cow<'c, str>> {
    let messages = match json::type_name(raw.trim_start()) {
        "array" => json::elements(raw)?,
        "object" => vec![raw],
        _ => return None,
    };
    messages.into_iter().rev().find_map(|message| {
        let message = Object::parse(message).ok()?;
        // A message without a role is the only one that there is of its kind.
        let of_role = message.get("role").and_then(json::string).is_none_or(|named| named == role);
        let text = of_role.then(|| {
            message.get("content").or_else(|| message.get("parts")).or_else(|| message.get("text"))
        })??;
        texts(text)
    })
}

/// Text, or the texts of parts: `{"type":"text","text":...}` as OpenAI has it, `content` as OpenTelemetry does.
fn texts(raw: &str) -> Option<Cow<'_, str>> {
    match json::type_name(raw) {
        "string" => json::string(raw),
        "array" => {
            let parts = json::elements(raw)?;
            let mut texts = parts.into_iter().filter_map(|part| match json::type_name(part) {
                "string" => json::string(part),
                _ => {
                    let part = Object::parse(part).ok()?;
                    part.get("text").or_else(|| part.get("content")).and_then(json::string)
                }
            });
            let first = texts.next()?;
            Some(texts.fold(first, |all, text| Cow::Owned(format!("{all}\n{text}"))))
        }
        _ => None,
    }
}
