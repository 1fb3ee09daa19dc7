//! Who says what: the texts of an input or an output that are a user's, or come from where only data should be.

use std::borrow::Cow;

use super::Source;
use crate::event::Content;
use crate::translate::{json, walk};

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

/// Something that is said, as the event has it.
#[derive(Clone, Copy)]
pub enum Said<'c> {
    Text(&'c str),
    /// A string of JSON.
    Quoted(&'c str),
    /// JSON of which all strings are said.
    Strings(&'c str),
}

impl<'c> Said<'c> {
    /// As it is written: words without accents stand in it as they are.
    pub fn raw(self) -> &'c str {
        match self {
            Said::Text(raw) | Said::Quoted(raw) | Said::Strings(raw) => raw,
        }
    }

    pub fn text(self) -> Cow<'c, str> {
        match self {
            Said::Text(text) => Cow::Borrowed(text),
            Said::Quoted(raw) => json::string(raw).unwrap_or_default(),
            Said::Strings(raw) => {
                let mut text = String::with_capacity(raw.len());
                walk::strings(raw, LEVELS, &mut |raw| {
                    text.push_str(&json::string(raw).unwrap_or_default());
                    text.push_str("\n\n");
                });
                Cow::Owned(text)
            }
        }
    }
}

/// Of what is not messages all strings are `otherwise`'s.
pub fn each<'c>(content: &'c Content, otherwise: Source, hear: &mut dyn FnMut(Source, Said<'c>)) {
    let raw = match content {
        Content::Text(text) => return hear(otherwise, Said::Text(text)),
        Content::Json(raw) => raw.trim(),
    };
    if raw.starts_with('"') {
        hear(otherwise, Said::Quoted(raw));
    } else if otherwise == Source::Retrieved {
        hear(otherwise, Said::Strings(raw));
    } else {
        match walk::elements(raw).or_else(|| listed(raw)) {
            Some(messages) => messages.into_iter().for_each(|message| read(message, otherwise, hear)),
            None => read(raw, otherwise, hear),
        }
    }
}

/// The messages of a provider's request.
fn listed(raw: &str) -> Option<Vec<&str>> {
    walk::members(raw, LISTS)?.into_iter().flatten().find_map(walk::elements)
}

/// Who speaks, or of what type something is.
struct Name<'c>(Option<Cow<'c, str>>);

impl<'c> Name<'c> {
    fn of(raw: Option<&'c str>) -> Name<'c> {
        Name(raw.and_then(json::string))
    }

    fn is_of(&self, list: &[&str]) -> bool {
        self.0.as_deref().is_some_and(|name| list.iter().any(|listed| listed.eq_ignore_ascii_case(name)))
    }
}

fn read<'c>(raw: &'c str, otherwise: Source, hear: &mut dyn FnMut(Source, Said<'c>)) {
    if raw.starts_with('"') {
        return hear(otherwise, Said::Quoted(raw));
    }
    let Some([role, kind, content, parts, text]) =
        walk::members(raw, ["role", "type", "content", "parts", "text"])
    else {
        return;
    };
    let (role, kind) = (Name::of(role), Name::of(kind));
    let is_nobodys = role.0.is_none();
    if role.is_of(SYSTEM)
        || role.is_of(MODEL)
        || kind.is_of(MODELS)
        || is_nobodys && (kind.is_of(SYSTEM) || kind.is_of(MODEL))
    {
        return;
    }
    if role.is_of(TOOL) || kind.is_of(RESULTS) || is_nobodys && kind.is_of(TOOL) {
        return hear(Source::Retrieved, Said::Strings(raw));
    }
    let Some(said) = content.or(parts).or(text) else {
        // No message: whatever a client sends as a prompt.
        if is_nobodys && kind.0.is_none() {
            hear(otherwise, Said::Strings(raw));
        }
        return;
    };
    match walk::elements(said) {
        Some(parts) => parts.into_iter().for_each(|part| read_part(part, otherwise, hear)),
        None if said.starts_with('"') => hear(otherwise, Said::Quoted(said)),
        None => {}
    }
}

fn read_part<'c>(raw: &'c str, otherwise: Source, hear: &mut dyn FnMut(Source, Said<'c>)) {
    // A part without a type may be Gemini's `functionResponse`.
    let [response, result] = walk::members(raw, ["functionResponse", "toolResult"]).unwrap_or_default();
    match response.or(result) {
        Some(response) => hear(Source::Retrieved, Said::Strings(response)),
        None => read(raw, otherwise, hear),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Vec<(Source, String)> {
        heard(&Content::Json(json.into()), Source::User)
    }

    fn heard(content: &Content, otherwise: Source) -> Vec<(Source, String)> {
        let mut heard = Vec::new();
        each(content, otherwise, &mut |source, said| heard.push((source, said.text().trim().to_owned())));
        heard
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
        assert!(heard(&found, Source::Retrieved)[0].1.contains("found"));
    }
}
