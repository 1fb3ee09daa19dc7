//! Values of JSON: `{"stringValue": ...}` and its like. Lists and objects become plain JSON in one pass.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::value::{Text, Value};
use crate::translate::json::{self, Key};

/// Reads `{"stringValue": ...}` and its like, in camelCase or snake_case; also a bare scalar, which some emitters write.
pub(super) struct AnyValue;

impl<'b> DeserializeSeed<'b> for AnyValue {
    type Value = Value<'b>;

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b> Visitor<'b> for AnyValue {
    type Value = Value<'b>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an attribute's value")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Value<'b>, A::Error> {
        let mut value = Value::Empty;
        while let Some(key) = map.next_key_seed(Key)? {
            let raw = map.next_value::<&RawValue>()?.get();
            value = match key.as_ref() {
                "stringValue" | "string_value" | "bytesValue" | "bytes_value" => scalar(raw),
                "intValue" | "int_value" => {
                    let digits = raw.trim_matches('"');
                    digits.parse().map(Value::Int).unwrap_or_else(|_| scalar(raw))
                }
                "doubleValue" | "double_value" => {
                    raw.trim_matches('"').parse().map(Value::Double).unwrap_or_else(|_| scalar(raw))
                }
                "boolValue" | "bool_value" => match raw.trim_matches('"') {
                    "true" => Value::Bool(true),
                    "false" => Value::Bool(false),
                    _ => scalar(raw),
                },
                "arrayValue" | "array_value" | "kvlistValue" | "kvlist_value" => {
                    nested(key.as_ref(), raw).map_err(de::Error::custom)?
                }
                _ => continue,
            };
        }
        Ok(value)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value<'b>, E> {
        Ok(Value::plain(text.to_owned()))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value<'b>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value<'b>, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value<'b>, E> {
        Ok(i64::try_from(value).map_or(Value::Double(value as f64), Value::Int))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value<'b>, E> {
        Ok(Value::Double(value))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value<'b>, E> {
        Ok(Value::Empty)
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<Value<'b>, A::Error> {
        let mut list = String::from("[");
        while let Some(element) = elements.next_element::<&RawValue>()? {
            separate(&mut list);
            list.push_str(element.get());
        }
        list.push(']');
        Ok(Value::Json(list))
    }
}

fn scalar(raw: &str) -> Value<'_> {
    match raw.as_bytes().first() {
        Some(b'"') => Value::Text(Text::Quoted(raw)),
        Some(b'n') | None => Value::Empty,
        _ => Value::plain(raw),
    }
}

/// A list or an object of values as plain JSON. The parser's own bound on recursion holds: what is deeper is an error.
fn nested<'b>(key: &str, raw: &'b str) -> Result<Value<'b>, serde_json::Error> {
    let mut plain = String::with_capacity(raw.len() / 2);
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    let kind = if key.starts_with("array") { Container::List } else { Container::Object };
    Values { kind, to: &mut plain }.deserialize(&mut deserializer)?;
    Ok(Value::Json(plain))
}

pub(super) fn separate(json: &mut String) {
    if !json.ends_with(['[', '{']) {
        json.push(',');
    }
}

#[derive(Clone, Copy)]
enum Container {
    List,
    Object,
}

/// `{"values": [...]}`, written as plain JSON.
struct Values<'s> {
    kind: Container,
    to: &'s mut String,
}

impl<'b> DeserializeSeed<'b> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Values<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object with values")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        let (open, close) = match self.kind {
            Container::List => ('[', ']'),
            Container::Object => ('{', '}'),
        };
        self.to.push(open);
        while let Some(key) = map.next_key_seed(Key)? {
            if key == "values" {
                map.next_value_seed(Elements { kind: self.kind, to: self.to })?;
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        self.to.push(close);
        Ok(())
    }
}

struct Elements<'s> {
    kind: Container,
    to: &'s mut String,
}

impl<'b> DeserializeSeed<'b> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'b> Visitor<'b> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<(), A::Error> {
        loop {
            let more = match self.kind {
                Container::List => elements.next_element_seed(Element { to: self.to, separated: true })?,
                Container::Object => elements.next_element_seed(Member { to: self.to })?,
            };
            if more.is_none() {
                return Ok(());
            }
        }
    }
}

struct Element<'s> {
    to: &'s mut String,
    separated: bool,
}

impl<'b> DeserializeSeed<'b> for Element<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Element<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        if self.separated {
            separate(self.to);
        }
        let start = self.to.len();
        while let Some(key) = map.next_key_seed(Key)? {
            self.to.truncate(start);
            match key.as_ref() {
                "arrayValue" | "array_value" => {
                    map.next_value_seed(Values { kind: Container::List, to: self.to })?;
                }
                "kvlistValue" | "kvlist_value" => {
                    map.next_value_seed(Values { kind: Container::Object, to: self.to })?;
                }
                "intValue" | "int_value" | "doubleValue" | "double_value" | "boolValue" | "bool_value" => {
                    let raw = map.next_value::<&RawValue>()?.get();
                    let bare = raw.trim_matches('"');
                    // Only what JSON reads as a scalar may lose its quotes.
                    let is_scalar =
                        serde_json::from_str::<f64>(bare).is_ok() || json::boolean(bare).is_some();
                    self.to.push_str(if is_scalar { bare } else { raw });
                }
                _ => self.to.push_str(map.next_value::<&RawValue>()?.get()),
            }
        }
        if self.to.len() == start {
            self.to.push_str("null");
        }
        Ok(())
    }
}

struct Member<'s> {
    to: &'s mut String,
}

impl<'b> DeserializeSeed<'b> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'b> Visitor<'b> for Member<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a key and a value")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        let (mut name, mut value) = (Cow::Borrowed(""), String::new());
        while let Some(key) = map.next_key_seed(Key)? {
            match key.as_ref() {
                "key" => name = map.next_value_seed(Key)?,
                "value" => {
                    value.clear();
                    map.next_value_seed(Element { to: &mut value, separated: false })?;
                }
                _ => {
                    de::IgnoredAny::deserialize(map.next_value::<&RawValue>()?).map_err(de::Error::custom)?;
                }
            }
        }
        separate(self.to);
        json::write_string(self.to, &name);
        self.to.push(':');
        self.to.push_str(if value.is_empty() { "null" } else { &value });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value<'_> {
        AnyValue.deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap()
    }

    #[test]
    fn integers_are_read_from_numbers_and_from_texts() {
        assert_eq!(read(r#"{"intValue":12}"#), Value::Int(12));
        assert_eq!(read(r#"{"intValue":"12"}"#), Value::Int(12));
        assert_eq!(read(r#"{"int_value":"12"}"#), Value::Int(12));
    }

    #[test]
    fn counts_are_read_whatever_they_are_quoted_in() {
        for json in [
            r#"{"intValue":"7"}"#,
            r#"{"doubleValue":7.0}"#,
            r#"{"stringValue":"7"}"#,
            r#"{"stringValue":"\"7\""}"#,
        ] {
            assert_eq!(read(json).number(), Some(7.0), "{json}");
        }
        assert_eq!(read(r#"{"stringValue":"NaN"}"#).number(), None);
    }

    #[test]
    fn lists_and_objects_become_plain_json() {
        let json = r#"{"kvlistValue":{"values":[
            {"key":"a","value":{"arrayValue":{"values":[{"intValue":"1"},{"stringValue":"x\n"},{}]}}},
            {"key":"b \" c","value":{"boolValue":true}},{"key":"d"}]}}"#;
        let Value::Json(plain) = read(json) else { panic!("no JSON") };
        let parsed: serde_json::Value = serde_json::from_str(&plain).unwrap();
        assert_eq!(parsed, serde_json::json!({"a": [1, "x\n", null], "b \" c": true, "d": null}));
    }

    #[test]
    fn a_number_that_json_does_not_know_stays_a_text() {
        let mut written = String::new();
        read(r#"{"doubleValue":"NaN"}"#).write(&mut written);
        assert_eq!(written, "\"NaN\"");
        let Value::Json(plain) = read(r#"{"arrayValue":{"values":[{"doubleValue":"Infinity"}]}}"#) else {
            panic!("no JSON")
        };
        assert_eq!(plain, "[\"Infinity\"]");
    }
}
