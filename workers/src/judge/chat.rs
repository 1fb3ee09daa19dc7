//! Chat completions: what is sent, and what an answer says. Only what OpenAI's, Anthropic's and Gemini's endpoints all take is sent:
//! https://platform.openai.com/docs/api-reference/chat, https://platform.claude.com/docs/en/api/openai-sdk,
//! https://ai.google.dev/gemini-api/docs/openai

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value, json};

use super::habits::Habits;
use super::report::Usage;
use super::task::JsonMode;

/// Tokens that a model which thinks first may use for it, beyond the answer's: else it ends before it has said anything.
const THINKING_TOKENS: u32 = 4_096;

#[derive(Clone, serde::Serialize)]
pub struct Message {
    pub role: &'static str,
    pub content: String,
}

#[derive(serde::Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Ordered<'a>>,
}

pub fn body(model: &str, messages: &[Message], habits: Habits, schema: &Value, max_tokens: u32) -> Vec<u8> {
    let format = match habits.json {
        JsonMode::Schema => {
            let inner = json!({"name": "verdict", "strict": is_strict(schema), "schema": schema});
            Some(json!({"type": "json_schema", "json_schema": inner}))
        }
        JsonMode::Object => Some(json!({"type": "json_object"})),
        JsonMode::None => None,
    };
    let body = Body {
        model,
        messages,
        temperature: habits.temperature.then_some(0),
        max_tokens: (!habits.thinks).then_some(max_tokens),
        max_completion_tokens: habits.thinks.then_some(max_tokens.saturating_add(THINKING_TOKENS)),
        response_format: format.as_ref().map(Ordered),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// Whether OpenAI can hold a model to it: every object says that it has these properties, all of them and no others.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            let is_closed = match members.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = members.get("required").and_then(Value::as_array);
                    let is_required = |name: &String| {
                        required.is_some_and(|names| names.iter().any(|own| own.as_str() == Some(name)))
                    };
                    members.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(is_required)
                }
                _ => members.get("type").and_then(Value::as_str) != Some("object"),
            };
            is_closed && members.values().all(is_strict)
        }
        Value::Array(values) => values.iter().all(is_strict),
        _ => true,
    }
}

/// JSON with reasoning before its siblings: a model that is held to a schema writes in its order, and is to think before it scores.
pub struct Ordered<'a>(pub &'a Value);

const FIRST: &str = "reasoning";

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                let (first, rest): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| *name == FIRST);
                for (name, value) in first.into_iter().chain(rest) {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(values) => serializer.collect_seq(values.iter().map(Ordered)),
            value => value.serialize(serializer),
        }
    }
}

/// A whole answer, understood or not.
pub struct Reading {
    /// Of this call.
    pub usage: Usage,
    pub model: Option<String>,
    pub said: Result<String, Silence>,
}

/// Why there is nothing to read in it.
#[derive(Debug, PartialEq, Eq)]
pub enum Silence {
    /// It may pass.
    Passing(&'static str),
    /// It would be the same again.
    Final(&'static str),
}

pub fn read(body: &[u8]) -> Reading {
    let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(body) else {
        return Reading {
            usage: Usage::default(),
            model: None,
            said: Err(Silence::Passing("the answer is no JSON")),
        };
    };
    let model = answer.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
    Reading {
        usage: usage(&answer),
        model: model.map(|model| super::verdict::shortened(model, 200)),
        said: said(&answer),
    }
}

/// What an answer's `usage` says, of chat completions as of embeddings.
pub fn usage(answer: &Map<String, Value>) -> Usage {
    let usage = answer.get("usage");
    let number = |path: &[&str]| {
        let found = path.iter().try_fold(usage?, |value, name| value.get(name))?;
        found.as_i64().filter(|number| *number >= 0)
    };
    Usage {
        input: number(&["prompt_tokens"]).unwrap_or_default(),
        output: number(&["completion_tokens"]).unwrap_or_default(),
        cached_input: number(&["prompt_tokens_details", "cached_tokens"]).unwrap_or_default(),
        calls: 0,
    }
}

fn said(answer: &Map<String, Value>) -> Result<String, Silence> {
    // Gateways answer 200 with an error in it.
    if answer.get("error").is_some_and(|error| !error.is_null()) {
        return Err(Silence::Passing("the endpoint answered with an error"));
    }
    let Some(choice) = answer.get("choices").and_then(|choices| choices.get(0)) else {
        return Err(Silence::Passing("the answer has no choices"));
    };
    let message = choice.get("message").unwrap_or(&Value::Null);
    if message.get("refusal").is_some_and(|refusal| refusal.as_str().is_some_and(|text| !text.is_empty())) {
        return Err(Silence::Final("the model refused"));
    }
    match choice.get("finish_reason").and_then(Value::as_str) {
        Some("length") => return Err(Silence::Final("the answer was cut at max_tokens")),
        Some("content_filter") => return Err(Silence::Final("the endpoint's content filter stopped it")),
        _ => {}
    }
    let text = text(message.get("content").unwrap_or(&Value::Null));
    if !text.trim().is_empty() {
        return Ok(text);
    }
    let has = |name: &str| message.get(name).is_some_and(|value| !value.is_null() && *value != json!([]));
    if has("tool_calls") || has("function_call") {
        return Err(Silence::Final("the model called a tool instead of answering"));
    }
    Err(Silence::Passing("the answer is empty"))
}

/// A text, or parts with texts.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABITS: Habits =
        Habits { json: JsonMode::Schema, thinks: false, temperature: true, dimensions: true };

    fn sent(habits: Habits, schema: &Value) -> Value {
        let messages = [Message { role: "system", content: "s".into() }];
        serde_json::from_slice(&body("m", &messages, habits, schema, 300)).unwrap()
    }

    #[test]
    fn it_is_what_the_endpoints_take() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["score"],
                            "properties": {"score": {"type": "number"}}});
        let head = json!({"model": "m", "messages": [{"role": "system", "content": "s"}]});
        let with = |more: Value| {
            let mut all = head.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        assert_eq!(
            sent(HABITS, &schema),
            with(json!({"temperature": 0, "max_tokens": 300, "response_format": {"type": "json_schema",
                "json_schema": {"name": "verdict", "strict": true, "schema": schema}}}))
        );
        let habits = Habits { json: JsonMode::Object, thinks: true, temperature: false, ..HABITS };
        assert_eq!(
            sent(habits, &schema),
            with(json!({"max_completion_tokens": 4_396, "response_format": {"type": "json_object"}}))
        );
        let habits = Habits { json: JsonMode::None, ..HABITS };
        assert_eq!(sent(habits, &schema), with(json!({"temperature": 0, "max_tokens": 300})));
    }

    #[test]
    fn a_model_is_held_to_a_schema_strictly_only_where_that_can_be() {
        for (schema, expected) in [
            (json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}), false),
            (json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false}), false),
            (json!({"type": "object"}), false),
            (
                json!({"type": "object", "properties": {"a": {"type": "object"}}, "required": ["a"], "additionalProperties": false}),
                false,
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}),
                true,
            ),
        ] {
            assert_eq!(is_strict(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn reasoning_comes_before_the_score() {
        let value = json!({"properties": {"label": {}, "reasoning": {"a": [1, {"reasoning": 1, "b": 2}]}, "score": 1.5}});
        let text = serde_json::to_string(&Ordered(&value)).unwrap();
        assert_eq!(
            text,
            r#"{"properties":{"reasoning":{"a":[1,{"reasoning":1,"b":2}]},"label":{},"score":1.5}}"#
        );
    }

    #[test]
    fn an_answer_is_read_and_what_is_none_is_told() {
        let said = |choice: Value| read(json!({"choices": [choice]}).to_string().as_bytes()).said;
        let message = |message: Value| said(json!({"message": message, "finish_reason": "stop"}));
        assert_eq!(message(json!({"content": "a"})), Ok("a".into()));
        assert_eq!(
            message(json!({"content": [{"type": "text", "text": "a"}, {"text": "b"}]})),
            Ok("ab".into())
        );
        assert_eq!(message(json!({"content": "a", "refusal": null, "tool_calls": []})), Ok("a".into()));
        for (told, expected) in [
            (message(json!({"content": " "})), Silence::Passing("the answer is empty")),
            (message(json!({"refusal": "I won't"})), Silence::Final("the model refused")),
            (
                message(json!({"content": null, "tool_calls": [{"id": "a"}]})),
                Silence::Final("the model called a tool instead of answering"),
            ),
            (
                said(json!({"message": {"content": "{\"sco"}, "finish_reason": "length"})),
                Silence::Final("the answer was cut at max_tokens"),
            ),
            (
                said(json!({"message": {"content": ""}, "finish_reason": "content_filter"})),
                Silence::Final("the endpoint's content filter stopped it"),
            ),
            (read(b"<html>").said, Silence::Passing("the answer is no JSON")),
            (read(b"[]").said, Silence::Passing("the answer is no JSON")),
            (read(b"{}").said, Silence::Passing("the answer has no choices")),
            (
                read(br#"{"error": {"code": 1}}"#).said,
                Silence::Passing("the endpoint answered with an error"),
            ),
        ] {
            assert_eq!(told, Err(expected));
        }
    }

    #[test]
    fn usage_is_read_also_of_an_answer_that_says_nothing() {
        let body = json!({"model": "gpt-x", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 3,
                          "prompt_tokens_details": {"cached_tokens": 4}}});
        let reading = read(body.to_string().as_bytes());
        assert_eq!(reading.usage, Usage { input: 10, output: 3, cached_input: 4, calls: 0 });
        assert_eq!((reading.model.as_deref(), reading.said.is_err()), (Some("gpt-x"), true));
        let odd =
            json!({"usage": {"prompt_tokens": -1, "completion_tokens": "3", "prompt_tokens_details": null}});
        assert_eq!(read(odd.to_string().as_bytes()).usage, Usage::default());
    }
}
