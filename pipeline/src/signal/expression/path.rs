//! What is at a path of an event's attributes, as Postgres's jsonb would say it.

use std::borrow::Cow;

use bigdecimal::BigDecimal;

use super::value::Failed;
use crate::event::Event;
use crate::translate::json::{self, Object};

/// Digits and exponents of numbers that are written out.
const LONGEST_NUMBER: usize = 400;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Key(String),
    /// From the end, if below 0.
    Index(i64),
    /// Of `#>>`: a key of an object, an index of an array.
    Either(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// None: SQL's NULL.
    pub fn raw<'e>(&self, event: &'e Event) -> Option<&'e str> {
        let mut raw = event.attributes.as_deref()?;
        for step in &self.0 {
            let kind = json::type_name(raw);
            let is_object = kind == "object";
            raw = match step {
                Step::Key(key) if is_object => member(raw, key)?,
                Step::Either(key) if is_object => member(raw, key)?,
                // To jsonb a scalar is an array of itself, but not on a path.
                Step::Index(0 | -1) if !matches!(kind, "object" | "array") => raw,
                Step::Index(index) => element(raw, *index)?,
                Step::Either(index) => element(raw, index.parse().ok()?)?,
                Step::Key(_) => return None,
            };
        }
        Some(raw)
    }

    /// As `->>` has it. None: SQL's NULL, of which JSON's is one.
    pub fn text<'e>(&self, event: &'e Event) -> Result<Option<Cow<'e, str>>, Failed> {
        let Some(raw) = self.raw(event) else { return Ok(None) };
        match json::type_name(raw) {
            "null" => Ok(None),
            "string" => Ok(json::string(raw)),
            "boolean" => Ok(Some(Cow::Borrowed(raw))),
            _ => {
                let mut text = String::new();
                write(raw, &mut text)?;
                Ok(Some(Cow::Owned(text)))
            }
        }
    }
}

fn member<'e>(raw: &'e str, key: &str) -> Option<&'e str> {
    Object::parse(raw).ok()?.get(key)
}

fn element(raw: &str, index: i64) -> Option<&str> {
    let elements = json::elements(raw)?;
    let length = i64::try_from(elements.len()).ok()?;
    let place = if index < 0 { length + index } else { index };
    elements.get(usize::try_from(place).ok()?).copied()
}

/// As jsonb is written: members by the length of their keys, then by their bytes. How deep it may be, the decoder has decided.
fn write(raw: &str, text: &mut String) -> Result<(), Failed> {
    match json::type_name(raw) {
        "number" => {
            let exponent = raw.split_once(['e', 'E']).map_or("0", |(_, exponent)| exponent);
            let is_short = raw.len() <= LONGEST_NUMBER
                && exponent.parse::<i64>().is_ok_and(|exponent| exponent.unsigned_abs() <= 400);
            let number: Option<BigDecimal> = if is_short { raw.parse().ok() } else { None };
            text.push_str(&number.ok_or(Failed)?.to_plain_string());
        }
        "object" => {
            let mut members = Object::parse(raw).map_err(|_| Failed)?.0;
            // Of equal keys the last counts: the sort leaves it behind the others.
            members.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
            let last = members.iter().enumerate().filter(|(place, (key, _))| {
                members.get(place + 1).is_none_or(|(following, _)| following != key)
            });
            text.push('{');
            for (count, (_, (key, raw))) in last.enumerate() {
                text.push_str(if count > 0 { ", " } else { "" });
                json::write_string(text, key);
                text.push_str(": ");
                write(raw, text)?;
            }
            text.push('}');
        }
        "array" => {
            text.push('[');
            for (count, raw) in json::elements(raw).ok_or(Failed)?.into_iter().enumerate() {
                text.push_str(if count > 0 { ", " } else { "" });
                write(raw, text)?;
            }
            text.push(']');
        }
        "string" => json::write_string(text, &json::string(raw).ok_or(Failed)?),
        _ => text.push_str(raw),
    }
    Ok(())
}
