//! Attributes that are JSON objects with several facts in them: an application's metadata, a provider's whole answer.

use std::borrow::Cow;

use serde_json::Value as Json;

use crate::decode::otlp::Value;
use crate::event::Field;
use crate::time;
use crate::translate::json::{self, Object};
use crate::translate::otel::filling::Filling;
use crate::translate::otel::values::{finish_word, is_id, parsed};

impl Filling<'_, '_> {
    /// Ids in a JSON object of the application's own making.
    pub(super) fn metadata(&mut self, value: &Value) {
        const IDS: [(&str, Field); 7] = [
            ("session_id", Field::SessionId),
            ("sessionId", Field::SessionId),
            ("user_id", Field::UserId),
            ("userId", Field::UserId),
            ("conversation_id", Field::ConversationId),
            ("thread_id", Field::ConversationId),
            ("threadId", Field::ConversationId),
        ];
        let Some(Json::Object(object)) = parsed(value) else { return };
        for (key, field) in IDS {
            if self.event.text(field).is_none()
                && let Some(text) = object.get(key).and_then(Json::as_str)
                && is_id(text)
            {
                self.event.set_text(field, Some(Cow::Owned(text.to_owned())));
            }
        }
    }

    /// A provider's answer: what no attribute says of it.
    pub(super) fn answer(&mut self, value: &Value) {
        let Some(text) = value.text().filter(|text| text.starts_with('{')) else { return };
        let Ok(object) = Object::parse(&text) else { return };
        let mut fill = |field: Field, found: Option<Cow<str>>| {
            if let Some(found) = found.filter(|found| self.event.text(field).is_none() && is_id(found)) {
                self.event.set_text(field, Some(Cow::Owned(found.into_owned())));
            }
        };
        let find = |keys: &[&str]| keys.iter().find_map(|key| json::string(object.get(key)?));
        fill(Field::ResponseId, find(&["id", "responseId", "response_id"]));
        if object.get("generations").is_some() {
            fill(Field::ResponseId, id_inside(&text).map(Cow::Borrowed));
        }
        fill(Field::ResponseModel, find(&["model", "modelVersion", "model_version"]));
        let reason = find(&["stop_reason"]).or_else(|| first_reason(&object));
        fill(Field::FinishReason, reason.map(|reason| finish_word(&reason)));
        let usage = ["usage", "usageMetadata", "usage_metadata"].iter().find_map(|key| object.get(key));
        if let Some(Ok(usage)) = usage.map(serde_json::from_str) {
            self.reported.object(&usage);
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
    memchr::memmem::find_iter(text.as_bytes(), b"\"id\"")
        .filter_map(|at| {
            let value = text.get(at + 4..)?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
            value.get(..memchr::memchr(b'"', value.as_bytes())?)
        })
        .find(|id| PREFIXES.iter().any(|prefix| id.starts_with(prefix)))
}
