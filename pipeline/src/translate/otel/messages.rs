//! Prompts and answers in one shape, `[{"role", "content" or "parts", "tool_calls"...}]`, from the forms that libraries write.

use std::borrow::Cow;

use crate::decode::otlp::{Attributes, Value, get};
use crate::event::Content;
use crate::translate::json::{self, Object};
use crate::translate::otel::aliases::Form;

/// Content, and whether all of the attribute is in it, so that the attribute need not be kept.
pub struct Read<'l> {
    pub content: Content<'l>,
    pub whole: bool,
}

/// Reads an attribute that is not taken apart. `role` is whose a bare text is. None: it is empty.
pub fn read<'l>(form: Form, value: &'l Value<'l>, role: &str) -> Option<Read<'l>> {
    let content = content(value)?;
    let whole = |content| Some(Read { content, whole: true });
    match form {
        Form::Any => whole(content),
        Form::Values => {
            let values = json::elements(content.as_str())?;
            let unquoted: Vec<_> =
                values.iter().map(|raw| json::string(raw).unwrap_or(Cow::Borrowed(raw))).collect();
            whole(Content::Json(Cow::Owned(format!("[{}]", unquoted.join(",")))))
                .filter(|read| is_json(read.content.as_str()))
        }
        Form::Text | Form::Parts => whole(as_message(content, role)),
        Form::Messages => whole(as_messages(content, role)),
        Form::ToolCalls => match &content {
            Content::Json(calls) if calls.trim_start().starts_with('[') => {
                whole(Content::Json(Cow::Owned(message("assistant", "tool_calls", calls))))
            }
            _ => None,
        },
        Form::AiPrompt => prompt(content, &["messages", "system", "prompt"], role),
        Form::Blob if role == "assistant" => Some(answer(content)),
        Form::Blob => prompt(content, &[], role),
        Form::Indexed | Form::Events => None,
    }
}

/// Text, or JSON where a text is JSON, also where that was written as a JSON text once more.
pub(super) fn content<'l>(value: &'l Value<'l>) -> Option<Content<'l>> {
    if let Value::Json(json) = value {
        return Some(Content::Json(Cow::Borrowed(json)));
    }
    let text = value.text().filter(|text| !text.is_empty())?;
    let text = match serde_json::from_str::<String>(&text) {
        Ok(inner) if text.starts_with('"') => Cow::Owned(inner),
        _ => text,
    };
    Some(if is_json(&text) { Content::Json(text) } else { Content::Text(text) })
}

/// Whether a text is an object or a list. Numbers and quoted words are texts.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && text.trim_end().ends_with(['}', ']'])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn message(role: &str, key: &str, raw: &str) -> String {
    let mut written = String::with_capacity(raw.len() + 40);
    written.push_str("[{\"role\":");
    json::write_string(&mut written, role);
    written.push(',');
    json::write_string(&mut written, key);
    written.push(':');
    written.push_str(raw);
    written.push_str("}]");
    written
}

pub(super) fn quoted(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 16);
    json::write_string(&mut written, text);
    written
}

/// One message of a text, or of a list of its parts.
fn as_message<'l>(content: Content<'l>, role: &str) -> Content<'l> {
    let written = match &content {
        Content::Text(text) => message(role, "content", &quoted(text)),
        Content::Json(json) if json.trim_start().starts_with('[') => message(role, "parts", json),
        Content::Json(json) => message(role, "content", json),
    };
    Content::Json(Cow::Owned(written))
}

fn as_messages<'l>(content: Content<'l>, role: &str) -> Content<'l> {
    match content {
        Content::Text(_) => as_message(content, role),
        Content::Json(json) if json.trim_start().starts_with('[') => list_of_messages(json, role),
        Content::Json(json) => {
            let object = Object::parse(&json).unwrap_or_default();
            if let Some(messages) = object.get("messages").filter(|raw| raw.starts_with('[')) {
                return Content::Json(Cow::Owned(messages.to_owned()));
            }
            if object.get("role").is_some() {
                return Content::Json(Cow::Owned(format!("[{json}]")));
            }
            Content::Json(json)
        }
    }
}

/// A list of texts, as old models took prompts, is a message for each.
fn list_of_messages<'l>(json: Cow<'l, str>, role: &str) -> Content<'l> {
    if !json.trim_start().get(1..).is_some_and(|rest| rest.trim_start().starts_with('"')) {
        return Content::Json(json);
    }
    let mut written = String::from("[");
    for text in json::elements(&json).unwrap_or_default() {
        append(&mut written, &message(role, "content", text));
    }
    written.push(']');
    Content::Json(Cow::Owned(written))
}

/// Appends the messages of a list to an unfinished one.
pub(super) fn append(to: &mut String, list: &str) {
    let inside = list.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(list).trim();
    if inside.is_empty() {
        return;
    }
    if !to.ends_with('[') {
        to.push(',');
    }
    to.push_str(inside);
}

/// Two lists of messages as one.
pub fn join(first: &str, second: &str) -> String {
    let mut written = String::with_capacity(first.len() + second.len() + 2);
    written.push('[');
    append(&mut written, first);
    append(&mut written, second);
    written.push(']');
    written
}

/// The messages of a request: OpenAI's, Anthropic's, Gemini's or the AI SDK's. All of it stays where none are found, or
/// where there is more in it than the `known` keys.
fn prompt<'l>(content: Content<'l>, known: &[&str], role: &str) -> Option<Read<'l>> {
    const LISTS: [&str; 4] = ["messages", "contents", "input", "prompt"];
    const SYSTEM: [&str; 4] = ["system", "instructions", "system_instruction", "systemInstruction"];
    let Content::Json(json) = &content else {
        return Some(Read { content: as_message(content, role), whole: true });
    };
    if json.trim_start().starts_with('[') {
        return Some(Read { content: as_messages(content, role), whole: true });
    }
    let object = Object::parse(json).unwrap_or_default();
    let found = LISTS.iter().find_map(|key| object.get(key).filter(|raw| raw.starts_with(['[', '"'])));
    let Some(found) = found else { return Some(Read { content, whole: true }) };
    let mut messages = match found.starts_with('[') {
        true => list_of_messages(Cow::Borrowed(found), role).as_str().to_owned(),
        false => message(role, "content", found),
    };
    let system = SYSTEM.iter().find_map(|key| object.get(key).filter(|raw| *raw != "null"));
    if let Some(system) = system {
        messages = join(&message("system", "content", system), &messages);
    }
    let whole = object.0.iter().all(|(key, _)| known.contains(&key.as_ref()));
    Some(Read { content: Content::Json(Cow::Owned(messages)), whole })
}

/// The messages of a provider's answer. All of it stays where none are found.
fn answer<'l>(content: Content<'l>) -> Read<'l> {
    let Content::Json(json) = &content else {
        return Read { content: as_message(content, "assistant"), whole: true };
    };
    if json.trim_start().starts_with('[') {
        return Read { content: as_messages(content, "assistant"), whole: true };
    }
    let object = Object::parse(json).unwrap_or_default();
    let only_a_message =
        object.get("role").is_some() && ["id", "usage", "raw"].iter().all(|key| object.get(key).is_none());
    if only_a_message {
        return Read { content: Content::Json(Cow::Owned(format!("[{json}]"))), whole: true };
    }
    let found = choices(&object).or_else(|| one_answer(&object));
    match found {
        Some(messages) => Read { content: Content::Json(Cow::Owned(messages)), whole: false },
        // LangChain's says which model answered, too.
        None => {
            let whole = object.get("generations").is_none();
            Read { content, whole }
        }
    }
}

/// OpenAI's `choices`, Gemini's and Genkit's `candidates`: a message each, with the reason of its end.
fn choices(object: &Object) -> Option<String> {
    const LISTS: [(&str, &[&str], &[&str]); 2] = [
        ("choices", &["message"], &["finish_reason"]),
        ("candidates", &["message", "content"], &["finishReason", "finish_reason"]),
    ];
    let (list, inner, reasons) = LISTS.iter().find(|(list, _, _)| object.get(list).is_some())?;
    let mut written = String::from("[");
    for choice in json::elements(object.get(list)?)? {
        let choice = Object::parse(choice).ok()?;
        let said = inner.iter().find_map(|key| choice.get(key).filter(|raw| raw.starts_with('{')));
        let Some(said) = said else {
            let text = choice.get("text")?;
            append(&mut written, &message("assistant", "content", text));
            continue;
        };
        let reason = reasons.iter().find_map(|key| choice.get(key));
        append(&mut written, &format!("[{}]", with_members(said, None, reason)));
    }
    written.push(']');
    Some(written)
}

/// Anthropic's message, the Responses API's `output`, Ollama's and Logfire's `message`.
fn one_answer(object: &Object) -> Option<String> {
    if let Some(output) = object.get("output").filter(|raw| raw.starts_with('[')) {
        return Some(output.to_owned());
    }
    if let Some(message) = object.get("message").filter(|raw| raw.starts_with('{')) {
        return Some(format!("[{}]", with_members(message, Some("assistant"), None)));
    }
    let text = ["content", "combined_chunk_content", "text", "outputText"];
    let content =
        text.iter().find_map(|key| object.get(key).filter(|raw| raw.starts_with(['[', '"', '{'])))?;
    let inner = Object::parse(content).unwrap_or_default();
    if inner.get("parts").is_some() {
        return Some(format!("[{content}]"));
    }
    let list = message("assistant", "content", content);
    let message = list.strip_prefix('[')?.strip_suffix(']')?;
    let reason = ["stop_reason", "finish_reason"].iter().find_map(|key| object.get(key));
    Some(format!("[{}]", with_members(message, None, reason)))
}

/// An object with a role and a finish reason, if it has none of its own.
pub(super) fn with_members(object: &str, role: Option<&str>, finish_reason: Option<&str>) -> String {
    let members = Object::parse(object).unwrap_or_default();
    let mut written = String::from("{");
    if let Some(role) = role.filter(|_| members.get("role").is_none()) {
        written.push_str("\"role\":");
        json::write_string(&mut written, role);
    }
    let inside = object.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    if !inside.trim().is_empty() {
        if written.len() > 1 {
            written.push(',');
        }
        written.push_str(inside);
    }
    let reason = finish_reason.filter(|raw| *raw != "null" && members.get("finish_reason").is_none());
    if let Some(reason) = reason {
        if written.len() > 1 {
            written.push(',');
        }
        written.push_str("\"finish_reason\":");
        written.push_str(reason);
    }
    written.push('}');
    written
}

/// The input with a system prompt before it, unless it has one.
pub fn with_system<'l>(system: Option<String>, input: Option<Content<'l>>) -> Option<Content<'l>> {
    let Some(system) = system else { return input };
    let messages = match &input {
        None => return Some(Content::Json(Cow::Owned(system))),
        Some(Content::Json(json)) if json.trim_start().starts_with('[') => json,
        Some(_) => return input,
    };
    let has_system = json::elements(messages).unwrap_or_default().into_iter().any(|message| {
        let object = Object::parse(message).unwrap_or_default();
        object.get("role") == Some("\"system\"")
    });
    if has_system { input } else { Some(Content::Json(Cow::Owned(join(&system, messages)))) }
}

/// One answer of a text and of tool calls that stand in different attributes.
pub fn with_tool_calls<'l>(output: &Content<'l>, calls: &Content<'l>) -> Option<Content<'l>> {
    let calls = Object::parse(single(calls)?).ok()?.get("tool_calls")?.to_owned();
    let message = single(output)?;
    if Object::parse(message).ok()?.get("tool_calls").is_some() {
        return None;
    }
    let mut members = Object::parse(message).ok()?.0;
    members.push(("tool_calls".into(), &calls));
    let written = json::write_object(members.iter().map(|(key, raw)| (key.as_ref(), *raw)));
    Some(Content::Json(Cow::Owned(format!("[{written}]"))))
}

fn single<'c>(content: &'c Content) -> Option<&'c str> {
    let Content::Json(list) = content else { return None };
    let message = list.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    Object::parse(message).is_ok().then_some(message)
}

/// A text attribute, whatever it was written as.
pub fn text_of<'a>(attributes: &'a Attributes, key: &str) -> Option<Cow<'a, str>> {
    get(attributes, key).and_then(Value::text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests;
