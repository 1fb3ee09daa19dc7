//! The object of a line with its `attributes` opened in the same pass: to parse them as an object of their own would walk
//! over nearly all of the line once more for each level.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::event::EventType;
use crate::translate::json::{self, Key, Object};

/// A value that was opened where it is an object; else its JSON text.
#[derive(Debug)]
pub enum Opened<'l, T> {
    Object(T),
    Other(Cow<'l, str>),
}

/// Members of `attributes`: those named like an event type are opened, too.
pub type Attributes<'l> = Vec<(Cow<'l, str>, Opened<'l, Object<'l>>)>;

#[derive(Debug, Default)]
pub struct Envelope<'l> {
    /// All but `attributes`.
    pub members: Object<'l>,
    /// None: absent or null.
    pub attributes: Option<Opened<'l, Attributes<'l>>>,
}

impl<'l> Envelope<'l> {
    /// Errors have serde_json's words, which name no value.
    pub fn parse(text: &'l str) -> Result<Envelope<'l>, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let envelope = deserializer.deserialize_map(Members)?;
        deserializer.end()?;
        Ok(envelope)
    }
}

struct Members;

impl<'l> Visitor<'l> for Members {
    type Value = Envelope<'l>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut map: A) -> Result<Envelope<'l>, A::Error> {
        let mut envelope = Envelope::default();
        envelope.members.0.reserve(24);
        while let Some(key) = map.next_key_seed(Key)? {
            if key == "attributes" {
                let opened = map.next_value_seed(Open(AttributesOf))?;
                envelope.attributes = Some(opened).filter(|opened| !is_null(opened));
            } else {
                let raw: &'l RawValue = map.next_value()?;
                envelope.members.0.push((key, raw.get()));
            }
        }
        Ok(envelope)
    }
}

pub fn is_null<T>(opened: &Opened<T>) -> bool {
    matches!(opened, Opened::Other(raw) if raw == "null")
}

/// What an object is read as.
trait ReadMembers<'l> {
    type Read;

    fn read<A: MapAccess<'l>>(self, map: A) -> Result<Self::Read, A::Error>;
}

struct AttributesOf;

impl<'l> ReadMembers<'l> for AttributesOf {
    type Read = Attributes<'l>;

    fn read<A: MapAccess<'l>>(self, mut map: A) -> Result<Attributes<'l>, A::Error> {
        let mut members = Vec::with_capacity(4);
        while let Some(key) = map.next_key_seed(Key)? {
            let value = if EventType::from_name(&key).is_some() {
                map.next_value_seed(Open(ObjectOf))?
            } else {
                let raw: &'l RawValue = map.next_value()?;
                Opened::Other(Cow::Borrowed(raw.get()))
            };
            members.push((key, value));
        }
        Ok(members)
    }
}

struct ObjectOf;

impl<'l> ReadMembers<'l> for ObjectOf {
    type Read = Object<'l>;

    fn read<A: MapAccess<'l>>(self, map: A) -> Result<Object<'l>, A::Error> {
        Object::read(map)
    }
}

/// Opens an object; what is none is written as JSON again, which only wrong or odd events need.
struct Open<R>(R);

impl<'l, R: ReadMembers<'l>> DeserializeSeed<'l> for Open<R> {
    type Value = Opened<'l, R::Read>;

    fn deserialize<D: Deserializer<'l>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

fn other<'l, T>(raw: impl Into<Cow<'l, str>>) -> Opened<'l, T> {
    Opened::Other(raw.into())
}

impl<'l, R: ReadMembers<'l>> Visitor<'l> for Open<R> {
    type Value = Opened<'l, R::Read>;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'l>>(self, map: A) -> Result<Self::Value, A::Error> {
        self.0.read(map).map(Opened::Object)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(other("null"))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(other(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(other(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(other(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(other(serde_json::to_string(&value).unwrap_or_default()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
        let mut text = String::with_capacity(value.len() + 2);
        json::write_string(&mut text, value);
        Ok(other(text))
    }

    fn visit_seq<A: SeqAccess<'l>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut text = String::from("[");
        while let Some(element) = elements.next_element::<&RawValue>()? {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(element.get());
        }
        text.push(']');
        Ok(other(text))
    }
}
