//! Who says what: the texts of an input or an output that are a user's, or come from where only data should be.

use std::borrow::Cow;

use serde_json::Value;

use super::Source;
use crate::event::Content;
use crate::translate::json::{self, Object};

/// Where requests of providers hold their messages.
const LISTS: [&str; 4] = ["messages", "contents", "input", "chat_history"];

const SYSTEM: &[&str] = &["system", "developer"];
const MODEL: &[&str] = &["assistant", "model", "ai"];
const TOOL: &[&str] = &["tool", "function", "ipython", "toolmessage"];

/// Types of parts and elements that hold what a tool gave back, and of those that are the model's.
const RESULTS: &[&str] = &[
    "tool_result",
    "tool_call_response",
    "function_call_output",
    "tool-result",
    "document",
    "search_result",
];
const MODELS: &[&str] =
    &["tool_use", "tool_call", "tool-call", "function_call", "reasoning", "thinking", "output_text"];

/// Levels of JSON that are walked: a body's own limit is higher.
const LEVELS: u8 = 12;

/// Of what is not messages all strings are `otherwise`'s.
pub fn texts<'c>(content: &'c Content, otherwise: Source) -> Vec<(Source, Cow<'c, str>)> {
    let raw = match content {
        Content::Text(text) => return vec![(otherwise, Cow::Borrowed(text))],
        Content::Json(raw) => raw.trim(),
    };
    if let Some(text) = json::string(raw) {
        return vec![(otherwise, text)];
    }
    if otherwise == Source::Retrieved {
        return vec![(otherwise, Cow::Owned(strings(raw)))];
    }
    let mut texts = Vec::new();
    for message in messages(raw) {
        read(message, otherwise, &mut texts);
    }
    texts
}

fn messages(raw: &str) -> Vec<&str> {
    let elements = match json::type_name(raw) {
        "array" => json::elements(raw),
        "object" => Object::parse(raw).ok().and_then(|object| {
            let list = LISTS.iter().find_map(|list| object.get(list).filter(|raw| raw.starts_with('[')));
            list.and_then(json::elements)
        }),
        _ => None,
    };
    elements.unwrap_or_else(|| vec![raw])
}

fn read<'c>(raw: &'c str, otherwise: Source, texts: &mut Vec<(Source, Cow<'c, str>)>) {
    if let Some(text) = json::string(raw) {
        texts.push((otherwise, text));
        return;
    }
    let Ok(message) = Object::parse(raw) else { return };
    let named = |key| message.get(key).and_then(json::string).map(|name| name.to_ascii_lowercase());
    let is_of =
        |name: &Option<String>, list: &[&str]| name.as_deref().is_some_and(|name| list.contains(&name));
    let (role, kind) = (named("role"), named("type"));
    if is_of(&role, SYSTEM)
        || is_of(&role, MODEL)
        || is_of(&kind, MODELS)
        || role.is_none() && (is_of(&kind, SYSTEM) || is_of(&kind, MODEL))
    {
        return;
    }
    let is_result = is_of(&role, TOOL) || is_of(&kind, RESULTS) || role.is_none() && is_of(&kind, TOOL);
    if is_result {
        texts.push((Source::Retrieved, Cow::Owned(strings(raw))));
        return;
    }
    let Some(said) = ["content", "parts", "text"].iter().find_map(|key| message.get(key)) else {
        // No message: whatever a client sends as a prompt.
        if role.is_none() && kind.is_none() {
            texts.push((otherwise, Cow::Owned(strings(raw))));
        }
        return;
    };
    match json::elements(said) {
        Some(parts) => parts.into_iter().for_each(|part| read_part(part, otherwise, texts)),
        None => texts.extend(json::string(said).map(|text| (otherwise, text))),
    }
}

fn read_part<'c>(raw: &'c str, otherwise: Source, texts: &mut Vec<(Source, Cow<'c, str>)>) {
    // A part without a type may be Gemini's `functionResponse`.
    let response =
        Object::parse(raw).ok().and_then(|part| part.get("functionResponse").or(part.get("toolResult")));
    match response {
        Some(response) => texts.push((Source::Retrieved, Cow::Owned(strings(response)))),
        None => read(raw, otherwise, texts),
    }
}

/// All strings that a value holds, a line each; keys are not said.
fn strings(raw: &str) -> String {
    let mut text = String::new();
    if let Ok(value) = serde_json::from_str::<Value>(raw) {
        collect(&value, LEVELS, &mut text);
    }
    text
}

fn collect(value: &Value, levels: u8, text: &mut String) {
    let Some(levels) = levels.checked_sub(1) else { return };
    match value {
        Value::String(string) => {
            text.push_str(string);
            text.push_str("\n\n");
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, levels, text)),
        Value::Object(members) => members.values().for_each(|value| collect(value, levels, text)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Vec<(Source, String)> {
        let content = Content::Json(json.into());
        texts(&content, Source::User)
            .into_iter()
            .map(|(source, text)| (source, text.trim().to_owned()))
            .collect()
    }

    #[test]
    fn users_and_tools_are_heard_in_any_providers_form_and_the_system_and_the_model_are_not() {
        let both = vec![(Source::User, "asked".to_owned()), (Source::Retrieved, "found".to_owned())];
        for json in [
            r#"[{"role":"system","content":"told"},{"role":"user","content":"asked"},{"role":"assistant","content":"said"},{"role":"tool","content":"found"}]"#,
            r#"{"system":"told","messages":[{"role":"user","content":[{"type":"text","text":"asked"},{"type":"tool_result","content":[{"text":"found"}]}]}]}"#,
            r#"{"contents":[{"role":"user","parts":[{"text":"asked"}]},{"role":"model","parts":[{"text":"said"}]},{"role":"user","parts":[{"functionResponse":{"response":{"r":"found"}}}]}]}"#,
            r#"[{"role":"user","content":[{"type":"input_text","text":"asked"}]},{"type":"function_call","arguments":"said"},{"type":"function_call_output","output":"found"}]"#,
            r#"[{"role":"system","parts":[{"type":"text","content":"told"}]},{"role":"user","parts":[{"type":"text","content":"asked"}]},{"role":"tool","parts":[{"type":"tool_call_response","result":"found"}]}]"#,
        ] {
            let mut heard = of(json);
            // Types and ids are strings as well.
            for (_, text) in &mut heard {
                *text = text
                    .split("\n\n")
                    .find(|line| ["asked", "found"].contains(line))
                    .unwrap_or(text)
                    .to_owned();
            }
            assert_eq!(heard, both, "{json}");
        }
    }

    #[test]
    fn what_is_no_message_is_said_by_whom_the_event_is_about() {
        assert_eq!(of(r#""asked""#), [(Source::User, "asked".to_owned())]);
        assert_eq!(of(r#"{"question":"asked"}"#), [(Source::User, "asked".to_owned())]);
        let found = Content::Json(r#"[{"role":"system","content":"found"}]"#.into());
        assert!(texts(&found, Source::Retrieved)[0].1.contains("found"));
    }
}
