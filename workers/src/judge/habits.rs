//! What a model of an endpoint takes, learned from what it refuses: the same API differs from one to the next.

use serde_json::Value;

use super::task::{EndpointConfig, JsonMode, Kind};

/// Of a refusal that is looked at.
const LOOKED_AT: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habits {
    pub json: JsonMode,
    /// It wants `max_completion_tokens`, as OpenAI's models do that think before they answer.
    pub thinks: bool,
    /// It takes a temperature.
    pub temperature: bool,
    /// It takes the number of dimensions of an embedding.
    pub dimensions: bool,
}

impl Habits {
    /// What is sent at first.
    pub fn of(config: &EndpointConfig, kind: Kind) -> Habits {
        match kind {
            Kind::Judge => {
                Habits { json: config.json_mode, thinks: false, temperature: true, dimensions: false }
            }
            Kind::Embedding => Habits {
                json: JsonMode::None,
                thinks: true,
                temperature: false,
                dimensions: config.dimensions.is_some(),
            },
        }
    }

    /// What to try instead, after an answer of 400 or 422 that names something which was sent. Each change is made once, so this ends.
    pub fn after(self, refusal: &[u8]) -> Option<Habits> {
        let text = String::from_utf8_lossy(refusal.get(..LOOKED_AT).unwrap_or(refusal)).to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // "max_tokens is too large" says something else.
        let is_unknown =
            says(&["support", "unrecognized", "unknown", "extra", "not permitted", "not allowed"]);
        if !self.thinks && (says(&["max_completion_tokens"]) || says(&["max_tokens"]) && is_unknown) {
            return Some(Habits { thinks: true, ..self });
        }
        if self.temperature && says(&["temperature"]) {
            return Some(Habits { temperature: false, ..self });
        }
        if self.dimensions && says(&["dimensions", "matryoshka"]) {
            return Some(Habits { dimensions: false, ..self });
        }
        let names_json =
            says(&["response_format", "responseformat", "response_schema", "json_schema", "json_object"]);
        match self.json {
            JsonMode::Schema if names_json || says(&["schema", "structured output"]) => {
                Some(Habits { json: JsonMode::Object, ..self })
            }
            JsonMode::Object if names_json => Some(Habits { json: JsonMode::None, ..self }),
            _ => None,
        }
    }
}

/// The code of an error, where it is a word that can hold neither key nor payload.
pub fn code(refusal: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(refusal.get(..LOOKED_AT).unwrap_or(refusal)).ok()?;
    let error = body.get("error").or_else(|| body.get(0)?.get("error"))?;
    let word = |name: &str| error.get(name).and_then(Value::as_str).filter(|code| is_code(code));
    ["code", "type", "status"].into_iter().find_map(word).map(str::to_owned)
}

fn is_code(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Habits = Habits { json: JsonMode::Schema, thinks: false, temperature: true, dimensions: true };

    #[test]
    fn a_refusal_changes_what_it_names() {
        let object = Habits { json: JsonMode::Object, ..ALL };
        let none = Habits { json: JsonMode::None, ..ALL };
        for (habits, refusal, expected) in [
            (
                ALL,
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                Some(Habits { thinks: true, ..ALL }),
            ),
            (
                ALL,
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
                Some(Habits { temperature: false, ..ALL }),
            ),
            (
                ALL,
                "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
                Some(object),
            ),
            (ALL, "This model does not support structured outputs", Some(object)),
            (object, "'response_format.type' must be 'text'", Some(none)),
            (none, "'response_format.type' must be 'text'", None),
            (
                ALL,
                "This model does not support specifying dimensions.",
                Some(Habits { dimensions: false, ..ALL }),
            ),
            (ALL, "max_tokens is too large: 5000", None),
            (ALL, "This model's maximum context length is 8192 tokens", None),
            (Habits { thinks: true, ..ALL }, "max_completion_tokens is too large", None),
        ] {
            let body = serde_json::json!({"error": {"message": refusal}}).to_string();
            assert_eq!(habits.after(body.as_bytes()), expected, "{refusal}");
        }
    }

    #[test]
    fn it_ends_whatever_is_refused() {
        let refusal = b"max_completion_tokens temperature dimensions response_format schema";
        let (mut habits, mut changes) = (ALL, 0);
        while let Some(next) = habits.after(refusal) {
            (habits, changes) = (next, changes + 1);
        }
        assert_eq!(changes, 5);
    }

    #[test]
    fn a_code_is_a_word_and_nothing_that_could_be_a_key() {
        let told = |error: &str| code(format!(r#"{{"error": {error}}}"#).as_bytes());
        assert_eq!(told(r#"{"code": "model_not_found"}"#), Some("model_not_found".into()));
        assert_eq!(told(r#"{"code": 404, "status": "NOT_FOUND"}"#), Some("NOT_FOUND".into()));
        assert_eq!(told(r#"{"code": "sk-abc123", "type": "a b"}"#), None);
        assert_eq!(code(b"<html>"), None);
    }
}
