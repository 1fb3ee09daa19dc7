//! A JSON object as its members' raw text: borrowed, unparsed until a field is wanted, never written again.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Members in the order they came; of duplicate keys the last counts, as in Postgres.
#[derive(Debug, Default)]
pub struct Object<'l>(pub Vec<(Cow<'l, str>, &'l str)>);

impl<'l> Object<'l> {
    /// Errors have serde_json's words, which name no value.
    pub fn parse(text: &'l str) -> Result<Object<'l>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let object = deserializer.deserialize_map(Members)?;
        deserializer.end()?;
        Ok(object)
    }

    pub(super) fn read<A: MapAccess<'l>>(mut map: A) -> Result<Object<'l>, A::Error> {
        let mut members = Vec::with_capacity(24);
        while let Some(key) = map.next_key_seed(Key)? {
            let raw: &'l RawValue = map.next_value()?;
            members.push((key, raw.get()));
        }
        Ok(Object(members))
    }

    pub fn get(&self, key: &str) -> Option<&'l str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, raw)| *raw)
    }
}

struct Members;

impl<'l> Visitor<'l> for Members {
    type Value = Object<'l>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'l>>(self, map: A) -> Result<Object<'l>, A::Error> {
        Object::read(map)
    }
}

/// A key without escapes is borrowed: serde's own Cow would copy it.
pub(crate) struct Key;

impl<'l> DeserializeSeed<'l> for Key {
    type Value = Cow<'l, str>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(Key)
    }
}

impl<'l> Visitor<'l> for Key {
    type Value = Cow<'l, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E: de::Error>(self, key: &'l str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// The type of a raw value, in the words of error messages.
pub fn type_name(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'"') => "string",
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// The text of a raw string, without its quotes and escapes; None for another type.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(raw).ok().map(Cow::Owned)
}

pub fn boolean(raw: &str) -> Option<bool> {
    match raw {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// The raw values of an array; None for another type.
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    let values: Vec<&RawValue> = serde_json::from_str(raw).ok()?;
    Some(values.into_iter().map(RawValue::get).collect())
}

/// An object's text with one member more, which as the last one counts among equal keys.
pub fn with_member(object: &str, key: &str, raw: &str) -> String {
    let members = object.trim_end().strip_suffix('}').unwrap_or("{");
    let comma = if members.trim_end().ends_with('{') { "" } else { "," };
    format!("{members}{comma}{}:{raw}}}", serde_json::Value::from(key))
}

/// An object of keys and raw values.
pub fn write_object<'m>(members: impl Iterator<Item = (&'m str, &'m str)> + Clone) -> String {
    let size: usize = members.clone().map(|(key, raw)| key.len() + raw.len() + 4).sum();
    let mut text = String::with_capacity(size + 2);
    text.push('{');
    for (key, raw) in members {
        if text.len() > 1 {
            text.push(',');
        }
        write_string(&mut text, key);
        text.push(':');
        text.push_str(raw);
    }
    text.push('}');
    text
}

pub fn write_string(to: &mut String, text: &str) {
    // A str always serialises.
    to.push_str(&serde_json::to_string(text).unwrap_or_default());
}
