//! Objects and lists of JSON, read member by member into what is there to take them. Nothing is built in between.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::Attributes;
use crate::translate::json::{self, Key};

/// What is filled from the members of an object.
pub(super) trait Fill<'b> {
    fn member<A: MapAccess<'b>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

pub(super) fn raw<'b, A: MapAccess<'b>>(map: &mut A) -> Result<&'b str, A::Error> {
    map.next_value::<&RawValue>().map(RawValue::get)
}

pub(super) fn skip<'b, A: MapAccess<'b>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<de::IgnoredAny>().map(|_| ())
}

pub(super) fn text<'b, A: MapAccess<'b>>(map: &mut A) -> Result<Cow<'b, str>, A::Error> {
    let raw = raw(map)?;
    match json::string(raw) {
        Some(text) => Ok(text),
        None if raw == "null" => Ok(Cow::Borrowed("")),
        None => Err(de::Error::custom(format_args!("expected a string, got {}", json::type_name(raw)))),
    }
}

pub(super) fn attributes<'b, A: MapAccess<'b>>(map: &mut A) -> Result<Attributes<'b>, A::Error> {
    list(map)
}

pub(super) fn list<'b, A: MapAccess<'b>, T: Default + Fill<'b>>(map: &mut A) -> Result<Vec<T>, A::Error> {
    let mut items = Items(Vec::new());
    map.next_value_seed(Listed(&mut items))?;
    Ok(items.0)
}

/// Reads an object into what it fills; null leaves that as it is.
pub(super) struct Filled<'s, T>(pub &'s mut T);

impl<'b, T: Fill<'b>> DeserializeSeed<'b> for Filled<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b, T: Fill<'b>> Visitor<'b> for Filled<'_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key)? {
            self.0.member(&key, &mut map)?;
        }
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// What takes the elements of a list, one by one. False at the list's end.
pub(super) trait Take<'b> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error>;
}

/// Reads a list into what takes its elements; null is an empty one.
pub(super) struct Listed<'s, T>(pub &'s mut T);

impl<'b, T: Take<'b>> DeserializeSeed<'b> for Listed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'b>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'b, T: Take<'b>> Visitor<'b> for Listed<'_, T> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        while self.0.element(&mut list)? {}
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}

pub(super) struct Items<T>(Vec<T>);

impl<'b, T: Default + Fill<'b>> Take<'b> for Items<T> {
    fn element<A: SeqAccess<'b>>(&mut self, list: &mut A) -> Result<bool, A::Error> {
        let mut item = T::default();
        let found = list.next_element_seed(Filled(&mut item))?.is_some();
        if found {
            self.0.push(item);
        }
        Ok(found)
    }
}
