//! An attribute's value, as far as possible still in the bytes it came in: most are stored as they are and never read.

use std::borrow::Cow;

use crate::translate::json;

/// A text: as JSON has it, with its quotes and escapes, or plain, as protobuf does.
#[derive(Clone, Debug, PartialEq)]
pub enum Text<'b> {
    Quoted(&'b str),
    Plain(Cow<'b, str>),
}

impl Text<'_> {
    pub fn read(&self) -> Cow<'_, str> {
        match self {
            Text::Quoted(raw) => json::string(raw).unwrap_or(Cow::Borrowed(raw)),
            Text::Plain(text) => Cow::Borrowed(text),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Text::Quoted(raw) => raw.len() <= 2,
            Text::Plain(text) => text.is_empty(),
        }
    }

    pub fn write(&self, to: &mut String) {
        match self {
            Text::Quoted(raw) => to.push_str(raw),
            Text::Plain(text) => json::write_string(to, text),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'b> {
    Text(Text<'b>),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// A list or an object, as plain JSON.
    Json(String),
    #[default]
    Empty,
}

impl<'b> Value<'b> {
    pub fn plain(text: impl Into<Cow<'b, str>>) -> Value<'b> {
        Value::Text(Text::Plain(text.into()))
    }

    /// The text of a text, the JSON of anything else; None where there is nothing.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(text.read()),
            Value::Json(json) => Some(Cow::Borrowed(json)),
            Value::Empty => None,
            scalar => {
                let mut text = String::new();
                scalar.write(&mut text);
                Some(Cow::Owned(text))
            }
        }
    }

    pub fn write(&self, to: &mut String) {
        match self {
            Value::Text(text) => text.write(to),
            Value::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
            Value::Int(value) => to.push_str(&value.to_string()),
            Value::Double(value) if value.is_finite() => {
                to.push_str(&serde_json::to_string(value).unwrap_or_default());
            }
            // JSON has no such number.
            Value::Double(value) => json::write_string(to, &value.to_string()),
            Value::Json(json) => to.push_str(json),
            Value::Empty => to.push_str("null"),
        }
    }

    /// A number, also as a text of one, or as a JSON text of such a text: SDKs quote once or twice.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(value) => Some(*value as f64),
            Value::Double(value) => Some(*value).filter(|value| value.is_finite()),
            Value::Text(text) => {
                let text = text.read();
                let digits = text.trim().trim_matches('"').trim();
                digits.parse().ok().filter(|value: &f64| value.is_finite())
            }
            _ => None,
        }
    }

    pub fn boolean(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            Value::Text(text) => match text.read().to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}
