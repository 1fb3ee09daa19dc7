//! What is kept of a span beside its columns: every attribute under its own key, and the rest of the span under keys of ours,
//! so that a later translator can read it again.

use std::borrow::Cow;

use crate::decode::otlp::{Attributes, Id, Scope, Span, StatusCode, Value};
use crate::translate::json;
use crate::translate::otel::span::Origin;
use crate::translate::otel::usage::Settled;
use crate::translate::otel::values::bounded;

/// What becomes of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Kept,
    /// It is in a column, whole.
    Moved,
    /// Something shorter stands in its place.
    Replaced(String),
}

pub struct Parts<'p, 'l> {
    pub span: &'l Span<'l>,
    pub origin: &'p Origin<'l>,
    pub fates: &'p [Fate],
    pub content_from: &'p [Cow<'l, str>],
    pub settled: Option<&'p Settled>,
    pub tags: Option<&'p str>,
    /// No attribute names the provider: the model's name does.
    pub provider_of_model: bool,
}

/// A JSON object that is being written.
pub struct Members(String);

impl Members {
    pub fn with_capacity(bytes: usize) -> Members {
        let mut text = String::with_capacity(bytes);
        text.push('{');
        Members(text)
    }

    pub fn key(&mut self, key: &str) -> &mut String {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        json::write_string(&mut self.0, key);
        self.0.push(':');
        &mut self.0
    }

    pub fn text(&mut self, key: &str, text: &str) {
        json::write_string(self.key(key), text);
    }

    pub fn raw(&mut self, members: &str) {
        if !members.is_empty() {
            if self.0.len() > 1 {
                self.0.push(',');
            }
            self.0.push_str(members);
        }
    }

    pub fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Resource and scope as the members `otel.resource` and `otel.scope`.
pub fn origin(resource: &Attributes, scope: &Scope) -> String {
    let mut members = Members::with_capacity(512);
    if !resource.is_empty() {
        let object = object(resource);
        members.key("otel.resource").push_str(&object);
    }
    let mut own = Members::with_capacity(128);
    if !scope.name.is_empty() {
        own.text("name", &scope.name);
    }
    if !scope.version.is_empty() {
        own.text("version", &scope.version);
    }
    if !scope.attributes.is_empty() {
        own.key("attributes").push_str(&object(&scope.attributes));
    }
    let own = own.finish();
    if own.len() > 2 {
        members.key("otel.scope").push_str(&own);
    }
    members.0.split_off(1)
}

pub fn object(attributes: &Attributes) -> String {
    let mut members = Members::with_capacity(256);
    for (key, value) in attributes {
        value.write(members.key(key));
    }
    members.finish()
}

pub const KINDS: [&str; 6] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/// The stored attributes of a span.
pub fn attributes(parts: &Parts) -> String {
    let span = parts.span;
    let mut members = Members::with_capacity(span.source.len() / 2 + parts.origin.written.len() + 256);
    for ((key, value), fate) in span.attributes.iter().zip(parts.fates) {
        match fate {
            Fate::Kept => value.write(members.key(key)),
            Fate::Replaced(short) => members.key(key).push_str(short),
            Fate::Moved => {}
        }
    }
    members.raw(&parts.origin.written);
    if let Some(kind) =
        usize::try_from(span.kind).ok().filter(|kind| *kind > 0).and_then(|kind| KINDS.get(kind))
    {
        members.text("otel.kind", kind);
    }
    match span.status.code {
        StatusCode::Unset => {}
        StatusCode::Ok => members.text("otel.status", "ok"),
        StatusCode::Error => members.text("otel.status", "error"),
    }
    if bounded(Cow::Borrowed(&span.name)).len() < span.name.len() {
        members.text("otel.name", &span.name);
    }
    if let Some(state) = &span.trace_state {
        state.write(members.key("otel.trace_state"));
    }
    if span.parent_span_id == Id::Malformed {
        members.key("otel.malformed_parent").push_str("true");
    }
    if !span.events.is_empty() {
        members.key("otel.events").push_str(&events(span));
    }
    if !span.links.is_empty() {
        members.key("otel.links").push_str(&links(span));
    }
    if span.dropped > 0 {
        members.key("otel.dropped").push_str(&span.dropped.to_string());
    }
    observa(parts, &mut members);
    members.finish()
}

/// What the translation has to say of itself.
fn observa(parts: &Parts, members: &mut Members) {
    if !parts.content_from.is_empty() {
        let list = members.key("observa.content_from");
        list.push('[');
        for key in parts.content_from {
            if !list.ends_with('[') {
                list.push(',');
            }
            json::write_string(list, key);
        }
        list.push(']');
    }
    if let Some(settled) = parts.settled {
        members.text("observa.usage_rule", settled.rule);
        if settled.contradicts {
            members.key("observa.usage_contradicts").push_str("true");
        }
    }
    if parts.provider_of_model {
        members.text("observa.provider_from", "model");
    }
    if let Some(tags) = parts.tags {
        match json::elements(tags) {
            Some(_) => members.key("tags").push_str(tags),
            None => members.text("tags", tags),
        }
    }
    if parts.span.start.zip(parts.span.end).is_some_and(|(start, end)| end < start) {
        members.key("observa.end_before_start").push_str("true");
    }
    if parts.span.repaired {
        members.key("observa_repaired").push_str("true");
    }
}

fn events(span: &Span) -> String {
    let written = span.events.iter().map(|event| {
        let mut members = Members::with_capacity(128);
        members.text("name", &event.name);
        if let Some(time) = event.time {
            members.key("time_unix_nano").push_str(&time.to_string());
        }
        if !event.attributes.is_empty() {
            members.key("attributes").push_str(&object(&event.attributes));
        }
        members.finish()
    });
    list(written)
}

fn links(span: &Span) -> String {
    let written = span.links.iter().map(|link| {
        let mut members = Members::with_capacity(128);
        for (key, id) in [("trace_id", &link.trace_id), ("span_id", &link.span_id)] {
            if let Some(hex) = id.hex() {
                members.text(key, hex);
            }
        }
        if !link.attributes.is_empty() {
            members.key("attributes").push_str(&object(&link.attributes));
        }
        members.finish()
    });
    list(written)
}

fn list(objects: impl Iterator<Item = String>) -> String {
    let mut list = String::from("[");
    for object in objects {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(&object);
    }
    list.push(']');
    list
}

/// A span as a request of its own, so that a rejected one can be sent again.
pub fn request_of(span: &Span, resource: &Attributes, scope: &Scope) -> String {
    let own = if span.source.is_empty() { as_json(span) } else { span.source.to_owned() };
    let mut scope_members = Members::with_capacity(64);
    scope_members.text("name", &scope.name);
    scope_members.text("version", &scope.version);
    format!(
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":{}}},\"scopeSpans\":[{{\"scope\":{},\"spans\":[{own}]}}]}}]}}",
        key_values(resource),
        scope_members.finish(),
    )
}

fn as_json(span: &Span) -> String {
    let mut members = Members::with_capacity(512);
    for (key, id) in
        [("traceId", &span.trace_id), ("spanId", &span.span_id), ("parentSpanId", &span.parent_span_id)]
    {
        if let Some(hex) = id.hex() {
            members.text(key, hex);
        }
    }
    members.text("name", &span.name);
    for (key, time) in [("startTimeUnixNano", span.start), ("endTimeUnixNano", span.end)] {
        if let Some(time) = time {
            members.text(key, &time.to_string());
        }
    }
    members.key("kind").push_str(&span.kind.to_string());
    members.key("attributes").push_str(&key_values(&span.attributes));
    members.finish()
}

pub fn key_values(attributes: &Attributes) -> String {
    list(attributes.iter().map(|(key, value)| {
        let mut members = Members::with_capacity(64);
        members.text("key", key);
        let name = match value {
            Value::Text(_) | Value::Json(_) => "stringValue",
            Value::Bool(_) => "boolValue",
            Value::Int(_) => "intValue",
            Value::Double(_) => "doubleValue",
            Value::Empty => return members.finish(),
        };
        let mut inner = Members::with_capacity(64);
        match value {
            Value::Json(json) => inner.text(name, json),
            value => value.write(inner.key(name)),
        }
        members.key("value").push_str(&inner.finish());
        members.finish()
    }))
}
