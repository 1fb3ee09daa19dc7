//! Messages that came as events: of a span, of a log, or in a list of them.

use crate::decode::otlp::{Attributes, Value};
use crate::event::Content;
use crate::translate::json::{self, Object};
use crate::translate::otel::messages::{append, content, quoted, with_members};

/// An event that holds a message, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Input(&'static str),
    Output,
    /// Both, under attributes that the table of aliases knows.
    Details,
}

#[rustfmt::skip]
const EVENTS: &[(&str, Said)] = &[
    ("gen_ai.system.message", Said::Input("system")),
    ("gen_ai.user.message", Said::Input("user")),
    ("gen_ai.assistant.message", Said::Input("assistant")),
    ("gen_ai.tool.message", Said::Input("tool")),
    ("gen_ai.content.prompt", Said::Input("user")),
    ("gen_ai.choice", Said::Output),
    ("gen_ai.content.completion", Said::Output),
    ("gen_ai.client.inference.operation.details", Said::Details),
    // Older spelling of the same.
    ("gen_ai.client.operation.details", Said::Details),
];

pub fn said(event_name: &str) -> Option<Said> {
    EVENTS.iter().find(|(name, _)| *name == event_name).map(|(_, said)| *said)
}

/// The message of an event, as a list of one. What it says is in its attributes, or in the body of a log record. None:
/// it says nothing, as where the library was told not to capture content.
pub fn of_event(said: Said, attributes: &Attributes, body: Option<&str>) -> Option<String> {
    message_of(said, attributes, body).filter(|list| says_something(list))
}

fn says_something(list: &str) -> bool {
    const FRAME: [&str; 5] = ["role", "finish_reason", "index", "id", "event.name"];
    let message = list.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or_default();
    let members = Object::parse(message).unwrap_or_default().0;
    members.iter().any(|(key, raw)| !FRAME.contains(&key.as_ref()) && *raw != "null")
}

fn message_of(said: Said, attributes: &Attributes, body: Option<&str>) -> Option<String> {
    let role = match said {
        Said::Input(role) => role,
        Said::Output => "assistant",
        Said::Details => return None,
    };
    if let Some(body) = body.filter(|body| body.starts_with('{')) {
        return Some(of_object(&Object::parse(body).ok()?, role));
    }
    const CONTENT: [&str; 5] =
        ["content", "message", "gen_ai.prompt", "gen_ai.completion", "gen_ai.event.content"];
    let mut members: Vec<(&str, String)> = Vec::new();
    for (key, value) in attributes {
        let mut raw = String::new();
        match (CONTENT.contains(&key.as_ref()), content(value)) {
            (true, Some(Content::Json(json))) => raw.push_str(&json),
            _ => value.write(&mut raw),
        }
        let key = if CONTENT.contains(&key.as_ref()) { "content" } else { key.as_ref() };
        if !matches!(key, "gen_ai.system" | "gen_ai.provider.name" | "event.name") {
            members.push((key, raw));
        }
    }
    if let Some(body) = body {
        members.push(("content", body.to_owned()));
    }
    if !members.iter().any(|(key, _)| *key == "role") {
        members.insert(0, ("role", quoted(role)));
    }
    let object = json::write_object(members.iter().map(|(key, raw)| (*key, raw.as_str())));
    // What is in it may be a message of its own.
    let parsed = Object::parse(&object).ok()?;
    Some(match parsed.get("content").filter(|raw| raw.starts_with('{')).map(Object::parse) {
        Some(Ok(inner)) if inner.get("role").is_some() => of_object(&inner, role),
        _ => format!("[{object}]"),
    })
}

/// `{"index", "finish_reason", "message": {...}}` is its message, anything else is one.
fn of_object(object: &Object, role: &str) -> String {
    let message = object.get("message").filter(|raw| raw.starts_with('{'));
    match message {
        Some(message) => format!("[{}]", with_members(message, Some(role), object.get("finish_reason"))),
        None => {
            let members = json::write_object(object.0.iter().map(|(key, raw)| (key.as_ref(), *raw)));
            format!("[{}]", with_members(&members, Some(role), None))
        }
    }
}

/// Input and output of a JSON list of events (pydantic-ai's `events`). A run's list holds its answers, too.
pub fn of_events<'l>(value: &'l Value<'l>) -> Option<(Option<String>, Option<String>)> {
    let Content::Json(list) = content(value)? else { return None };
    let (mut input, mut output) = (String::from("["), String::from("["));
    for event in json::elements(&list)? {
        let object = Object::parse(event).ok()?;
        let name = object.get("event.name").and_then(json::string).unwrap_or_default();
        match said(&name) {
            Some(Said::Output) => append(&mut output, &of_object(&object, "assistant")),
            Some(Said::Input(role)) => append(&mut input, &of_object(&object, role)),
            _ => append(&mut input, &of_object(&object, "user")),
        }
    }
    let finished = |mut list: String| {
        list.push(']');
        Some(list).filter(|list| list.len() > 2)
    };
    Some((finished(input), finished(output)))
}

/// The events of a span that hold messages, as input and output.
pub fn of_span_events<'a>(
    events: impl Iterator<Item = (&'a str, &'a Attributes<'a>)>,
) -> (Option<String>, Option<String>) {
    let (mut input, mut output) = (String::from("["), String::from("["));
    for (name, attributes) in events {
        let Some(said) = said(name) else { continue };
        let Some(message) = of_event(said, attributes, None) else { continue };
        append(if said == Said::Output { &mut output } else { &mut input }, &message);
    }
    let finished = |mut list: String| {
        list.push(']');
        Some(list).filter(|list| list.len() > 2)
    };
    (finished(input), finished(output))
}

#[cfg(test)]
mod tests;
