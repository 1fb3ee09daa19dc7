//! Values of attributes as columns have them.

use std::borrow::Cow;

use bigdecimal::Zero;
use serde_json::Value as Json;

use crate::decode::otlp::Value;
use crate::event::{Field, Role};
use crate::price::{Usd, normalise_provider, parse_usd};
use crate::translate::json;

/// A name may hold a whole prompt, which no column takes: it is cut. All of it is among the attributes.
pub fn bounded(name: Cow<str>) -> Cow<str> {
    const MOST_BYTES: usize = 240;
    if name.len() <= MOST_BYTES {
        return name;
    }
    let end = (0..=MOST_BYTES).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.get(..end).unwrap_or_default()),
        Cow::Owned(mut name) => {
            name.truncate(end);
            Cow::Owned(name)
        }
    }
}

pub fn parsed(value: &Value) -> Option<Json> {
    let text = value.text()?;
    match serde_json::from_str(&text).ok()? {
        Json::String(inner) => serde_json::from_str(&inner).ok(),
        json => Some(json),
    }
}

/// Empty texts name nothing, and neither does what Logfire writes in place of what it takes for a secret.
pub fn is_id(text: &str) -> bool {
    !text.is_empty() && !text.starts_with("[Scrubbed due to")
}

/// Words for one reason to stop, whatever the provider calls it. Others stay as they are.
const FINISH_REASONS: &[(&str, &[&str])] = &[
    ("stop", &["stop", "end_turn", "stop_sequence", "end"]),
    ("length", &["length", "max_tokens", "max_output_tokens"]),
    ("tool_calls", &["tool_calls", "tool_call", "tool_use", "tool-calls", "function_call"]),
    ("content_filter", &["content_filter", "content-filter", "safety"]),
];

pub fn short_text<'l>(field: Field, value: &'l Value<'l>) -> Option<Cow<'l, str>> {
    let text = match (field, value) {
        (Field::FinishReason, value) => return finish_reason(value),
        (_, Value::Text(_) | Value::Int(_)) => unquoted(value.text()?),
        _ => return None,
    };
    if !is_id(text.trim()) {
        return None;
    }
    match field {
        // A framework is no provider; another key may name it.
        Field::Provider => normalise_provider(&text).map(|provider| Cow::Owned(provider.into_owned())),
        _ if Field::ALL.get(field as usize).is_some_and(|(_, _, role)| *role == Role::Name) => {
            Some(bounded(text))
        }
        _ => Some(text),
    }
}

/// Some SDKs write every value as JSON, a word as a quoted one.
fn unquoted(text: Cow<str>) -> Cow<str> {
    match text.starts_with('"').then(|| serde_json::from_str::<String>(&text)) {
        Some(Ok(inner)) => Cow::Owned(inner),
        _ => text,
    }
}

/// Of several the first, which may stand in a list, or in a text of one.
fn finish_reason<'l>(value: &'l Value<'l>) -> Option<Cow<'l, str>> {
    let text = value.text()?;
    let first = match json::elements(&text) {
        Some(elements) => json::string(elements.first()?)?.into_owned(),
        None => text.trim_matches('"').to_owned(),
    };
    Some(finish_word(&first)).filter(|reason| !reason.is_empty())
}

/// One word for one reason.
pub fn finish_word(reason: &str) -> Cow<'static, str> {
    let is_same = |word: &&str| word.eq_ignore_ascii_case(reason);
    match FINISH_REASONS.iter().find(|(_, words)| words.iter().any(is_same)) {
        Some((word, _)) => Cow::Borrowed(word),
        None => Cow::Owned(reason.to_owned()),
    }
}

pub fn money(value: &Value) -> Option<Usd> {
    parse_usd(value.text()?.trim_matches('"'))
}

/// `{"total": 0.1}`, or the sum of its parts.
pub fn cost_of_object(value: &Value) -> Option<Usd> {
    let Json::Object(object) = parsed(value)? else { return None };
    let amount = |value: &Json| parse_usd(&value.to_string());
    match object.get("total") {
        Some(total) => amount(total),
        None => object.values().map(amount).try_fold(Usd::from(0), |sum, part| Some(sum + part?)),
    }
    // Langfuse writes a total of 0 for what it could not reckon.
    .filter(|cost| !cost.is_zero())
}
