//! A stored event's span, put together again from what was kept of it, so that a newer translator can read it.

use std::borrow::Cow;

use crate::bill;
use crate::decode::otlp::{
    Attributes, Id, Link, Scope, Span, SpanEvent, SpanStatus, StatusCode, Text, Value,
};
use crate::error::{Code, Reject};
use crate::event::Event;
use crate::translate::json::{self, Object};
use crate::translate::otel::aliases::{self, Form, Target};
use crate::translate::otel::span::{Origin, translate};
use crate::translate::otel::written::KINDS;

/// What a stored event has of its span beside the attributes.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'l> {
    pub trace_id: &'l str,
    pub span_id: &'l str,
    pub parent_span_id: Option<&'l str>,
    pub name: Option<&'l str>,
    /// Microseconds since 1970 UTC.
    pub ts: Option<i64>,
    /// Milliseconds.
    pub latency_ms: Option<f64>,
    pub error_message: Option<&'l str>,
}

/// A span that was stored.
pub struct Stored<'l> {
    span: Span<'l>,
    resource: Attributes<'l>,
    scope: Scope<'l>,
}

impl<'l> Stored<'l> {
    /// `attributes` is the event's JSON object. None: it did not come as OTLP.
    ///
    /// # Errors
    /// Where the attributes are no JSON object.
    pub fn read(attributes: &'l str, columns: &Columns<'l>) -> Result<Option<Stored<'l>>, Reject> {
        let object = Object::parse(attributes)
            .map_err(|_| Reject::line(Code::InvalidJson, "the stored attributes are no JSON object"))?;
        if object.get("otel.scope").is_none() && object.get("otel.resource").is_none() {
            return Ok(None);
        }
        let start = columns.ts.and_then(|ts| u64::try_from(ts).ok()?.checked_mul(1_000));
        let length = columns.latency_ms.map(|ms| (ms * 1e6) as u64);
        let mut stored = Stored {
            span: Span {
                trace_id: Id::Hex(Cow::Borrowed(columns.trace_id)),
                span_id: Id::Hex(Cow::Borrowed(columns.span_id)),
                parent_span_id: columns.parent_span_id.map_or(Id::None, |id| Id::Hex(Cow::Borrowed(id))),
                name: Cow::Borrowed(columns.name.unwrap_or_default()),
                start,
                end: start.zip(length).and_then(|(start, length)| start.checked_add(length)),
                ..Span::default()
            },
            resource: Attributes::new(),
            scope: Scope::default(),
        };
        for (key, raw) in object.0 {
            stored.member(key, raw);
        }
        stored.span.status.message = columns.error_message.map(Cow::Borrowed);
        // Markers ask for keys whose content is in a column.
        let moved = stored.span.moved.iter().filter(|key| !key.ends_with(".*"));
        let moved: Attributes = moved.map(|key| (key.clone(), Value::Empty)).collect();
        stored.span.attributes.extend(moved);
        Ok(Some(stored))
    }

    /// The event as it would be translated now. Where its input or output is None, what is stored stays.
    pub fn event(&'l self) -> Result<Event<'l>, Reject> {
        let mut event = translate(1, &self.span, &Origin::new(&self.resource, &self.scope))?;
        let (input, output) = held(&self.span.moved);
        event.input = event.input.filter(|_| !input);
        event.output = event.output.filter(|_| !output);
        Ok(event)
    }

    /// The name of the library that made the span.
    pub fn library(&self) -> &str {
        &self.scope.name
    }

    fn member(&mut self, key: Cow<'l, str>, raw: &'l str) {
        let span = &mut self.span;
        match key.as_ref() {
            "otel.resource" => self.resource = attributes(raw),
            "otel.scope" => {
                let object = Object::parse(raw).unwrap_or_default();
                self.scope.name = object.get("name").and_then(json::string).unwrap_or_default();
                self.scope.version = object.get("version").and_then(json::string).unwrap_or_default();
                self.scope.attributes = object.get("attributes").map(attributes).unwrap_or_default();
            }
            "otel.kind" => {
                let place = json::string(raw).and_then(|kind| KINDS.iter().position(|known| *known == kind));
                span.kind = place.and_then(|place| i64::try_from(place).ok()).unwrap_or_default();
            }
            "otel.status" => span.status = status(raw),
            "otel.name" => span.name = json::string(raw).unwrap_or_default(),
            "otel.trace_state" => span.trace_state = Some(value(raw)),
            "otel.events" => span.events = objects(raw).iter().map(event).collect(),
            "otel.links" => span.links = objects(raw).iter().map(link).collect(),
            "otel.dropped" => span.dropped = raw.parse().unwrap_or_default(),
            "otel.malformed_parent" => span.parent_span_id = Id::Malformed,
            "observa_repaired" => span.repaired = true,
            "observa.content_from" => {
                let keys = json::elements(raw).unwrap_or_default();
                span.moved = keys.into_iter().filter_map(json::string).collect();
            }
            // These are found out again.
            "observa.usage_rule"
            | "observa.provider_from"
            | "observa.usage_contradicts"
            | "observa.end_before_start"
            | bill::CLASSES => {}
            _ => span.attributes.push((key, value(raw))),
        }
    }
}

/// Whether the content of moved keys is in the columns of input and output.
pub(super) fn held(moved: &[Cow<str>]) -> (bool, bool) {
    let sides = moved.iter().map(|key| side_of(key));
    sides.fold((false, false), |(input, output), side| (input || side.0, output || side.1))
}

/// The columns that a moved key's content is in: input, output.
fn side_of(key: &str) -> (bool, bool) {
    let rows = aliases::known(key).into_iter().flat_map(|known| &known.aliases);
    for alias in rows.filter_map(|row| aliases::alias(*row)) {
        match alias.target {
            Target::Input(Form::Events) => return (true, true),
            Target::Output(_) => return (false, true),
            _ => {}
        }
    }
    (true, false)
}

fn status(raw: &str) -> SpanStatus<'_> {
    let code = match raw {
        "\"ok\"" => StatusCode::Ok,
        "\"error\"" => StatusCode::Error,
        _ => StatusCode::Unset,
    };
    SpanStatus { code, message: None }
}

fn value(raw: &str) -> Value<'_> {
    match json::type_name(raw) {
        "string" => Value::Text(Text::Quoted(raw)),
        "boolean" => Value::Bool(raw == "true"),
        "null" => Value::Empty,
        "number" => match raw.parse() {
            Ok(whole) => Value::Int(whole),
            Err(_) => raw.parse().map_or(Value::Empty, Value::Double),
        },
        _ => Value::Json(raw.to_owned()),
    }
}

fn attributes(raw: &str) -> Attributes<'_> {
    let members = Object::parse(raw).unwrap_or_default().0;
    members.into_iter().map(|(key, raw)| (key, value(raw))).collect()
}

fn objects(raw: &str) -> Vec<Object<'_>> {
    let elements = json::elements(raw).unwrap_or_default();
    elements.into_iter().filter_map(|raw| Object::parse(raw).ok()).collect()
}

fn event<'l>(object: &Object<'l>) -> SpanEvent<'l> {
    SpanEvent {
        name: object.get("name").and_then(json::string).unwrap_or_default(),
        time: object.get("time_unix_nano").and_then(|raw| raw.parse().ok()),
        attributes: object.get("attributes").map(attributes).unwrap_or_default(),
    }
}

fn link<'l>(object: &Object<'l>) -> Link<'l> {
    let id = |key, bytes| object.get(key).map_or(Id::None, |raw| Id::from_json(raw, bytes));
    Link {
        trace_id: id("trace_id", 16),
        span_id: id("span_id", 8),
        attributes: object.get("attributes").map(attributes).unwrap_or_default(),
    }
}
