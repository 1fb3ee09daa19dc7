//! Attributes that are JSON objects with several facts in them: an application's metadata, a provider's whole answer.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::decode::otlp::Value;
use crate::event::Field;
use crate::price::normalise_provider;
use crate::time;
use crate::translate::json::{self, Object};
use crate::translate::otel::filling::Filling;
use crate::translate::otel::repr;
use crate::translate::otel::values::{finish_word, is_id, parsed};

/// What members of an application's metadata mean.
pub const IN_METADATA: [(&str, Field); 8] = [
    ("session_id", Field::SessionId),
    ("sessionId", Field::SessionId),
    ("user_id", Field::UserId),
    ("userId", Field::UserId),
    ("conversation_id", Field::ConversationId),
    ("thread_id", Field::ConversationId),
    ("threadId", Field::ConversationId),
    // LangChain's.
    ("ls_provider", Field::Provider),
];

impl Filling<'_, '_> {
    /// Ids in a JSON object of the application's own making.
    pub(super) fn metadata(&mut self, value: &Value) {
        let Some(Json::Object(object)) = parsed(value) else { return };
        for (key, field) in IN_METADATA {
            if self.event.text(field).is_none()
                && let Some(text) = object.get(key).and_then(Json::as_str)
                && is_id(text)
            {
                let text = match field {
                    Field::Provider => normalise_provider(text).map(Cow::into_owned),
                    _ => Some(text.to_owned()),
                };
                self.event.set_text(field, text.map(Cow::Owned));
            }
        }
    }

    /// A provider's answer: what no attribute says of it.
    pub(super) fn answer(&mut self, value: &Value) {
        if let Some(text) = value.text().filter(|text| text.starts_with('{')) {
            self.answer_text(&text, true);
        }
    }

    /// `outer`: another answer may be inside.
    fn answer_text(&mut self, text: &str, outer: bool) {
        let Ok(object) = Object::parse(text) else { return };
        // A framework's answer with the provider's in it, which says more: as it was, or as Python prints it.
        let first_reply = || json::elements(object.get("replies")?)?.first().copied();
        let inner = ["raw", "custom"].iter().find_map(|key| object.get(key)).or_else(first_reply);
        match inner.filter(|_| outer) {
            Some(raw) if raw.starts_with('{') => self.answer_text(raw, false),
            Some(raw) => {
                let printed = json::string(raw).and_then(|raw| repr::parse(&raw)).unwrap_or_default();
                // Haystack's message has what the provider said of it beside it.
                let answer = printed.get("_meta").filter(|meta| meta.is_object()).unwrap_or(&printed);
                self.answer_text(&answer.to_string(), false);
            }
            None => {}
        }
        let mut fill = |field: Field, found: Option<Cow<str>>| {
            if let Some(found) = found.filter(|found| self.event.text(field).is_none() && is_id(found)) {
                self.event.set_text(field, Some(Cow::Owned(found.into_owned())));
            }
        };
        let find = |keys: &[&str]| keys.iter().find_map(|key| json::string(object.get(key)?));
        fill(Field::ResponseId, find(&["id", "responseId", "response_id"]));
        if object.get("generations").is_some() {
            fill(Field::ResponseId, id_inside(text).map(Cow::Borrowed));
        }
        let reason = find(&["stop_reason"]).or_else(|| first_reason(&object));
        fill(Field::FinishReason, reason.map(|reason| finish_word(&reason)));
        let usage = ["usage", "usageMetadata", "usage_metadata"].iter().find_map(|key| object.get(key));
        if let Some(Ok(usage)) = usage.map(serde_json::from_str) {
            self.reported.object(&usage);
        }
        let served = match object.get("generations") {
            Some(_) => ["\"model_name\"", "\"model\""]
                .iter()
                .find_map(|key| values_of(text, key).next())
                .map(Cow::Borrowed),
            None => find(&["model", "modelVersion", "model_version"]),
        };
        self.served_by(served);
    }

    /// `openai/gpt-4o` is a model and who serves it; what has no provider before it is a model.
    pub(super) fn model_path(&mut self, value: &Value) {
        let Some(path) = value.text().filter(|path| is_id(path)) else { return };
        let (provider, model) = path.split_once('/').unwrap_or(("", &path));
        let provider = normalise_provider(provider).map(Cow::into_owned);
        for (field, text) in [(Field::Provider, provider), (Field::Model, Some(model.to_owned()))] {
            if self.event.text(field).is_none() {
                self.event.set_text(field, text.map(Cow::Owned));
            }
        }
    }

    /// The answer knows better who gave it than a library that repeats which model was asked for.
    fn served_by(&mut self, served: Option<Cow<str>>) {
        let asked = self.event.text(Field::Model);
        let known = self.event.text(Field::ResponseModel);
        if let Some(served) = served.filter(|served| is_id(served))
            && known.is_none_or(|known| Some(known) == asked)
        {
            self.event.set_text(Field::ResponseModel, Some(Cow::Owned(served.into_owned())));
        }
    }

    /// Milliseconds from the span's start to a time.
    pub(super) fn since_start(&self, value: &Value) -> Option<f64> {
        let text = value.text()?;
        let micros = time::from_text(text.trim_matches('"'))?;
        let start = i64::try_from(self.span.start? / 1_000).ok()?;
        Some((micros - start) as f64 / 1e3).filter(|ms| *ms >= 0.0)
    }
}

/// Why the first of several choices ended.
fn first_reason<'o>(object: &Object<'o>) -> Option<Cow<'o, str>> {
    let choices = object.get("choices").or_else(|| object.get("candidates"))?;
    let first = Object::parse(json::elements(choices)?.first()?).ok()?;
    ["finish_reason", "finishReason"].iter().find_map(|key| json::string(first.get(key)?))
}

/// A provider's response id somewhere in LangChain's answer, which has ids of its own beside it.
fn id_inside(text: &str) -> Option<&str> {
    const PREFIXES: [&str; 4] = ["chatcmpl-", "msg_", "resp_", "gen-"];
    values_of(text, "\"id\"").find(|id| PREFIXES.iter().any(|prefix| id.starts_with(prefix)))
}

/// The texts that stand under a quoted key anywhere in a JSON text.
fn values_of<'t>(text: &'t str, key: &'t str) -> impl Iterator<Item = &'t str> {
    memchr::memmem::find_iter(text.as_bytes(), key).filter_map(move |at| {
        let value =
            text.get(at + key.len()..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        value.get(..memchr::memchr(b'"', value.as_bytes())?)
    })
}
