//! Lists that SDKs took apart into attributes (`llm.input_messages.12.message.role`), put together again.

use std::collections::BTreeMap;

use crate::decode::otlp::Value;
use crate::translate::json;

/// Levels of a key that are told apart; what lies deeper is one name.
const MAX_LEVELS: usize = 16;

/// Names that only wrap what is in them: OpenInference's `message.`, `message_content.`, `tool_call.function.` and so on.
const WRAPPERS: &[&str] =
    &["message", "message_content", "tool_call", "function", "prompt", "completion", "document", "embedding"];

/// OpenInference's names inside a message, in the words of OpenTelemetry.
const NAMES: &[(&str, &str)] = &[("contents", "parts"), ("function_call_name", "name")];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'k> {
    Index(u64),
    Name(&'k str),
}

#[derive(Default)]
struct Node<'k> {
    leaf: Option<String>,
    inside: BTreeMap<Step<'k>, Node<'k>>,
}

/// The JSON list of all keys of a family: `paths` are what stands behind `FAMILY.`. Indexes order numerically, and gaps
/// close. `role` is given to objects without one.
pub fn list<'a>(paths: impl Iterator<Item = (&'a str, &'a Value<'a>)>, role: Option<&str>) -> String {
    let mut root = Node::default();
    for (path, value) in paths {
        let mut node = &mut root;
        for step in steps(path) {
            node = node.inside.entry(step).or_default();
        }
        let mut leaf = String::new();
        value.write(&mut leaf);
        node.leaf = Some(leaf);
    }
    let mut written = String::new();
    root.write(&mut written, role);
    written
}

/// How many elements the list has.
pub fn length<'a>(paths: impl Iterator<Item = &'a str>) -> usize {
    let indexes = paths.filter_map(|path| path.split('.').next()?.parse::<u64>().ok());
    indexes.collect::<std::collections::BTreeSet<_>>().len()
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    let inside_parts = path.contains("message_content.");
    path.splitn(MAX_LEVELS, '.').enumerate().filter_map(move |(level, name)| {
        if let Ok(index) = name.parse() {
            return Some(Step::Index(index));
        }
        if level > 0 && WRAPPERS.contains(&name) {
            return None;
        }
        if inside_parts && name == "text" {
            return Some(Step::Name("content"));
        }
        let renamed = NAMES.iter().find(|(from, _)| *from == name).map_or(name, |(_, to)| to);
        Some(Step::Name(if level > 0 && name == "text" { "content" } else { renamed }))
    })
}

impl Node<'_> {
    fn write(&self, to: &mut String, role: Option<&str>) {
        if self.inside.is_empty() {
            to.push_str(self.leaf.as_deref().unwrap_or("null"));
            return;
        }
        let is_list = self.inside.keys().all(|step| matches!(step, Step::Index(_)));
        to.push(if is_list { '[' } else { '{' });
        let mut first = true;
        if !is_list && let Some(role) = role.filter(|_| !self.inside.contains_key(&Step::Name("role"))) {
            to.push_str("\"role\":");
            json::write_string(to, role);
            first = false;
        }
        for (step, node) in &self.inside {
            if !std::mem::take(&mut first) {
                to.push(',');
            }
            match step {
                Step::Name(name) => {
                    json::write_string(to, name);
                    to.push(':');
                    node.write(to, None);
                }
                Step::Index(index) if !is_list => {
                    json::write_string(to, &index.to_string());
                    to.push(':');
                    node.write(to, None);
                }
                Step::Index(_) => node.write(to, role),
            }
        }
        to.push(if is_list { ']' } else { '}' });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(paths: &[(&str, &str)], role: Option<&str>) -> serde_json::Value {
        let values: Vec<(&str, Value)> =
            paths.iter().map(|(path, text)| (*path, Value::plain(*text))).collect();
        serde_json::from_str(&list(values.iter().map(|(path, value)| (*path, value)), role)).unwrap()
    }

    #[test]
    fn indexes_order_numerically_and_gaps_close() {
        let paths = [("10.content", "last"), ("2.content", "first"), ("2.role", "system")];
        let expected = json!([{"role": "system", "content": "first"}, {"role": "user", "content": "last"}]);
        assert_eq!(parsed(&paths, Some("user")), expected);
    }

    #[test]
    fn openinference_messages_lose_their_wrappers() {
        let paths = [
            ("0.message.role", "user"),
            ("0.message.contents.1.message_content.type", "text"),
            ("0.message.contents.1.message_content.text", "two"),
            ("0.message.contents.0.message_content.type", "text"),
            ("0.message.contents.0.message_content.text", "one"),
            ("1.message.role", "assistant"),
            ("1.message.tool_calls.0.tool_call.id", "call_1"),
            ("1.message.tool_calls.0.tool_call.function.name", "weather"),
            ("1.message.tool_calls.0.tool_call.function.arguments", "{\"city\":\"Rome\"}"),
        ];
        let expected = json!([
            {"role": "user", "parts": [{"type": "text", "content": "one"}, {"type": "text", "content": "two"}]},
            {"role": "assistant", "tool_calls": [{"id": "call_1", "name": "weather", "arguments": "{\"city\":\"Rome\"}"}]},
        ]);
        assert_eq!(parsed(&paths, None), expected);
    }

    #[test]
    fn a_key_of_a_million_levels_is_no_recursion() {
        let path = format!("0{}", ".a".repeat(1_000_000));
        assert!(!parsed(&[(&path, "x")], None).is_null());
    }
}
