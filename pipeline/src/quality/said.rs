//! The text of a prompt or an answer, which may be a list of messages.

use std::borrow::Cow;

use crate::event::Content;
use crate::translate::{json, walk};

/// Names of who speaks, as providers and frameworks write them.
const USER: &[&str] = &["user", "human"];
const MODEL: &[&str] = &["assistant", "model", "ai"];

/// Where requests and answers of providers hold their messages.
const LISTS: [&str; 4] = ["messages", "choices", "contents", "candidates"];

/// Types of parts that are said, and of those that are not.
const SAID: [&str; 3] = ["text", "input_text", "output_text"];
const SILENT: [&str; 9] = [
    "reasoning",
    "thinking",
    "tool_use",
    "tool_call",
    "tool-call",
    "function_call",
    "tool_result",
    "tool_call_response",
    "function_call_output",
];

/// Bytes of a message's parts that are read from each end, the part that has the last of them whole.
const EACH_END: usize = 4 << 10;

/// Parts within parts: each level is parsed anew.
const LEVELS: u8 = 3;

/// The last thing that a person said to the model; of JSON that holds no messages all of it.
pub fn question<'c>(input: &'c Content) -> Cow<'c, str> {
    last_of(input, USER)
}

/// What the model said last. Empty: it called a tool, and said nothing.
pub fn answer<'c>(output: &'c Content) -> Cow<'c, str> {
    last_of(output, MODEL)
}

fn last_of<'c>(content: &'c Content, speakers: &[&str]) -> Cow<'c, str> {
    let raw = match content {
        Content::Text(text) => return Cow::Borrowed(text),
        Content::Json(raw) => raw.trim(),
    };
    let elements = elements(raw);
    // What is there beside what these speakers say: they are silent, others speak, texts are nobody's.
    let (mut silent, mut other, mut nobodys) = (false, None, false);
    for message in elements.iter().rev() {
        match Message::read(message) {
            Some(Message { speaker: Some(speaker), said }) if speakers.contains(&speaker.as_ref()) => {
                match said.and_then(|said| text(said, LEVELS)) {
                    Some(text) => return text,
                    None => silent = true,
                }
            }
            Some(Message { speaker: Some(_), said }) => other = other.or(said),
            Some(Message { speaker: None, .. }) => nobodys = true,
            None => {}
        }
    }
    let said = if silent {
        None
    } else if nobodys {
        joined(&elements, LEVELS)
    } else {
        other.and_then(|said| text(said, LEVELS))
    };
    let is_recognised = silent || nobodys || other.is_some();
    said.unwrap_or(Cow::Borrowed(if is_recognised { "" } else { raw }))
}

/// What may be messages.
fn elements(raw: &str) -> Vec<&str> {
    let listed = || walk::members(raw, LISTS)?.into_iter().flatten().find_map(walk::elements);
    walk::elements(raw).or_else(listed).unwrap_or_else(|| vec![raw])
}

struct Message<'c> {
    /// None: it does not say.
    speaker: Option<Cow<'c, str>>,
    /// Text, or parts. None: it holds something else, as the call of a tool.
    said: Option<&'c str>,
}

impl<'c> Message<'c> {
    /// None: it is no message, and no part of one.
    fn read(raw: &'c str) -> Option<Message<'c>> {
        if raw.starts_with('"') {
            return Some(Message { speaker: None, said: Some(raw) });
        }
        // A choice of OpenAI's, a candidate of Gemini's.
        let inner = walk::members(raw, ["message", "content"])?;
        let inner = inner.into_iter().flatten().find(|raw| raw.starts_with('{'));
        let [content, parts, text, role, tool_calls, kind] =
            walk::members(inner.unwrap_or(raw), ["content", "parts", "text", "role", "tool_calls", "type"])?;
        let said = content.or(parts).or(text);
        let speaker = role.and_then(json::string);
        let is_silent = tool_calls.is_some() || is_of(kind, &SILENT);
        (said.is_some() || speaker.is_some() || is_silent).then_some(Message { speaker, said })
    }
}

fn is_of(kind: Option<&str>, types: &[&str]) -> bool {
    kind.and_then(json::string).is_some_and(|named| types.contains(&named.as_ref()))
}

/// A text, or the texts of parts.
fn text(raw: &str, levels: u8) -> Option<Cow<'_, str>> {
    match json::type_name(raw) {
        "string" => json::string(raw).filter(|text| !text.is_empty()),
        "array" => joined(&walk::elements(raw)?, levels.checked_sub(1)?),
        _ => None,
    }
}

/// `{"type":"text","text":...}` as OpenAI has it, `content` as OpenTelemetry does, or a bare string.
fn part(raw: &str, levels: u8) -> Option<Cow<'_, str>> {
    if !raw.starts_with('{') {
        return text(raw, levels);
    }
    let [kind, thought, text_of, content] = walk::members(raw, ["type", "thought", "text", "content"])?;
    let is_said = kind.is_none() || is_of(kind, &SAID);
    let is_thought = thought == Some("true");
    let said = text_of.or(content);
    said.filter(|_| is_said && !is_thought).and_then(|said| text(said, levels))
}

/// The parts' texts, of many those at both ends.
fn joined<'c>(parts: &[&'c str], levels: u8) -> Option<Cow<'c, str>> {
    let mut parts = parts.iter();
    let mut first = Vec::new();
    let mut bytes = 0;
    while bytes < EACH_END
        && let Some(raw) = parts.next()
    {
        let text = part(raw, levels);
        bytes += text.as_ref().map_or(0, |text| text.len() + 1);
        first.extend(text);
    }
    let mut last = Vec::new();
    bytes = 0;
    while bytes < EACH_END
        && let Some(raw) = parts.next_back()
    {
        let text = part(raw, levels);
        bytes += text.as_ref().map_or(0, |text| text.len() + 1);
        last.extend(text);
    }
    first.extend(last.into_iter().rev());
    match first.len() {
        0 | 1 => first.pop(),
        _ => Some(Cow::Owned(first.join("\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_model(json: &str) -> String {
        answer(&Content::Json(json.into())).into_owned()
    }

    fn of_user(json: &str) -> String {
        question(&Content::Json(json.into())).into_owned()
    }

    #[test]
    fn an_answer_is_what_the_model_says_in_any_providers_form() {
        for json in [
            r#"[{"role":"assistant","content":"It rains."}]"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"It rains."}]}"#,
            r#"{"choices":[{"index":0,"message":{"role":"assistant","content":"It rains."}}]}"#,
            r#"{"choices":[{"index":0,"text":"It rains."}]}"#,
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"Hm","thought":true},{"text":"It rains."}]}}]}"#,
            r#"[{"role":"model","parts":[{"text":"It rains."}]}]"#,
            r#"[{"role":"assistant","parts":[{"type":"reasoning","content":"Hm"},{"type":"text","content":"It rains."}]}]"#,
            r#"[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"It rains."}]},{"type":"function_call","name":"f"}]"#,
            r#"[{"type":"thinking","thinking":"Hm"},{"type":"text","text":"It rains."}]"#,
            r#"{"messages":[{"role":"user","content":"And?"},{"role":"assistant","content":"It rains."}]}"#,
            r#"["It rains."]"#,
        ] {
            assert_eq!(of_model(json), "It rains.", "{json}");
        }
    }

    #[test]
    fn the_call_of_a_tool_says_nothing() {
        for json in [
            r#"[{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}]"#,
            r#"[{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{"q":"x"}}]}]"#,
            r#"[{"type":"tool_use","id":"c","name":"f","input":{"q":"x"}}]"#,
            r#"{"tool_calls":[{"id":"c"}]}"#,
        ] {
            assert_eq!(of_model(json), "", "{json}");
        }
        assert_eq!(of_model(r#"{"price": 3}"#), r#"{"price": 3}"#);
    }

    #[test]
    fn the_result_of_a_tool_is_no_question() {
        let json = r#"[{"role":"user","content":"Does it rain?"},{"role":"assistant","content":[{"type":"tool_use"}]},
            {"role":"user","content":[{"type":"tool_result","content":"rain: yes"}]}]"#;
        assert_eq!(of_user(json), "Does it rain?");
        assert_eq!(of_user(r#"[{"role":"system","content":"Be brief."}]"#), "Be brief.");
    }

    #[test]
    fn of_many_parts_those_at_the_ends_are_read() {
        let parts = format!("[\"first\",{}\"last\"]", "\"\",\"x\",".repeat(200_000));
        let text = of_model(&format!(r#"[{{"role":"assistant","content":{parts}}}]"#));
        assert!(text.starts_with("first\nx") && text.ends_with("x\nlast"));
        assert!(text.len() <= 2 * (EACH_END + "first".len()), "{}", text.len());
    }
}
