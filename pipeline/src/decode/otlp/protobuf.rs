//! OTLP as protobuf: the messages of `opentelemetry/proto/{trace,logs}/v1`, as far as they are stored.
//!
//! A body is taken for protobuf only if all of it parses and its ids have their length, since text may begin with a byte
//! that is a tag, too.

mod count;
mod cut;
mod messages;

use std::borrow::Cow;

use prost::Message;

use self::messages::{
    Any, AnyValue, KeyValue, Logs, Metrics, ProtoLog, ProtoScope, ProtoSpan, Resource, Traces,
};
use super::any_value::separate;
use super::json::too_large;
use super::value::Value;
use super::{Attributes, Id, Link, Log, Request, Scope, Span, SpanEvent, SpanStatus, StatusCode};
use crate::settings::Settings;
use crate::translate::json;

/// The first byte of each request: field 1, length-delimited.
const FIRST_TAG: u8 = 0x0a;

/// What a body that may be protobuf is.
pub enum Found {
    Request(Request<'static>),
    /// It has more records, with their resources and scopes, than a body may.
    TooMany(usize),
    /// It begins like protobuf, is no text, and does not parse.
    Broken,
    /// It is something else.
    Other,
}

pub fn read(body: &[u8], settings: &Settings) -> Found {
    if body.first() != Some(&FIRST_TAG) {
        return Found::Other;
    }
    if let Some(count) = count::records(body).filter(|count| *count > 2 * settings.max_batch_events) {
        return Found::TooMany(count);
    }
    if let Ok(traces) = Traces::decode(body)
        && traces.has_ids()
    {
        return Found::Request(traces.into_request(settings));
    }
    if let Ok(logs) = Logs::decode(body)
        && logs.are_logs()
    {
        return Found::Request(logs.into_request(settings));
    }
    if let Ok(metrics) = Metrics::decode(body)
        && metrics.are_metrics()
    {
        return Found::Request(Request { metrics: true, ..Request::default() });
    }
    if simdutf8::basic::from_utf8(body).is_ok() {
        return Found::Other;
    }
    whole_part(body, settings).map_or(Found::Broken, Found::Request)
}

fn whole_part(body: &[u8], settings: &Settings) -> Option<Request<'static>> {
    let whole = cut::whole_part(body)?;
    if count::records(&whole)? > 2 * settings.max_batch_events {
        return None;
    }
    let traces = Traces::decode(whole.as_slice()).ok().filter(Traces::has_ids);
    traces.map(|traces| Request { cut: true, ..traces.into_request(settings) })
}

impl Traces {
    /// One span with ids of the right length: text does not have it by chance.
    fn has_ids(&self) -> bool {
        let spans =
            self.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.spans);
        spans.into_iter().any(|span| span.trace_id.len() == 16 && span.span_id.len() == 8)
    }

    fn into_request(self, settings: &Settings) -> Request<'static> {
        let mut request = Request::default();
        for resource in self.resources {
            let at = request.add_resource(resource.resource);
            for scope in resource.scopes {
                let scope_at = request.add_scope(at, scope.scope);
                request.spans.extend(scope.spans.into_iter().map(|span| read_span(span, scope_at, settings)));
            }
        }
        request
    }
}

impl Logs {
    /// Records have a time; their ids may be missing.
    fn are_logs(&self) -> bool {
        let logs = self.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.logs);
        let fits = |log: &ProtoLog| {
            matches!(log.trace_id.len(), 0 | 16)
                && matches!(log.span_id.len(), 0 | 8)
                && (log.time != 0 || log.observed != 0)
        };
        logs.into_iter().any(fits)
    }

    fn into_request(self, settings: &Settings) -> Request<'static> {
        let mut request = Request::default();
        for resource in self.resources {
            let at = request.add_resource(resource.resource);
            for scope in resource.scopes {
                let scope_at = request.add_scope(at, scope.scope);
                request.logs.extend(scope.logs.into_iter().map(|log| read_log(log, scope_at, settings)));
            }
        }
        request
    }
}

impl Metrics {
    fn are_metrics(&self) -> bool {
        let mut metrics =
            self.resources.iter().flat_map(|resource| &resource.scopes).flat_map(|scope| &scope.metrics);
        metrics.any(|metric| !metric.name.is_empty())
    }
}

impl Request<'static> {
    fn add_resource(&mut self, resource: Option<Resource>) -> usize {
        let attributes = resource.map(|resource| resource.attributes).unwrap_or_default();
        self.resources.push(Repair::default().attributes(attributes));
        self.resources.len() - 1
    }

    fn add_scope(&mut self, resource: usize, scope: Option<ProtoScope>) -> usize {
        let scope = scope.unwrap_or_default();
        let mut repair = Repair::default();
        self.scopes.push(Scope {
            resource,
            name: repair.text(scope.name),
            version: repair.text(scope.version),
            attributes: repair.attributes(scope.attributes),
        });
        self.scopes.len() - 1
    }
}

fn read_span(span: ProtoSpan, scope: usize, settings: &Settings) -> Span<'static> {
    let size = span.encoded_len();
    let mut repair = Repair::default();
    let time = |time: u64| Some(time).filter(|time| *time != 0);
    let status = span.status.unwrap_or_default();
    let dropped = [span.dropped_attributes, span.dropped_events, span.dropped_links];
    let events = span.events.into_iter().map(|event| SpanEvent {
        name: repair.text(event.name),
        time: time(event.time),
        attributes: repair.attributes(event.attributes),
    });
    let events = events.collect();
    let links = span.links.into_iter().map(|link| Link {
        trace_id: Id::from_bytes(&link.trace_id, 16),
        span_id: Id::from_bytes(&link.span_id, 8),
        attributes: repair.attributes(link.attributes),
    });
    let links = links.collect();
    let trace_state = Some(span.trace_state).filter(|state| !state.is_empty());
    Span {
        scope,
        trace_id: Id::from_bytes(&span.trace_id, 16),
        span_id: Id::from_bytes(&span.span_id, 8),
        parent_span_id: Id::from_bytes(&span.parent_span_id, 8),
        trace_state: trace_state.map(|state| Value::plain(repair.text(state))),
        name: repair.text(span.name),
        kind: i64::from(span.kind),
        start: time(span.start),
        end: time(span.end),
        attributes: repair.attributes(span.attributes),
        events,
        links,
        status: SpanStatus {
            code: StatusCode::from_number(i64::from(status.code)),
            message: Some(repair.text(status.message)).filter(|message| !message.is_empty()),
        },
        dropped: dropped.into_iter().map(u64::from).sum(),
        repaired: repair.done,
        moved: Vec::new(),
        fault: (size > settings.max_line_bytes).then(|| too_large(size, settings)),
        source: "",
    }
}

fn read_log(log: ProtoLog, scope: usize, settings: &Settings) -> Log<'static> {
    let size = log.encoded_len();
    let mut repair = Repair::default();
    Log {
        scope,
        time: [log.time, log.observed].into_iter().find(|time| *time != 0),
        severity: i64::from(log.severity),
        severity_text: repair.text(log.severity_text),
        event_name: repair.text(log.event_name),
        body: log.body.map(|body| repair.value(body)).unwrap_or_default(),
        attributes: repair.attributes(log.attributes),
        trace_id: Id::from_bytes(&log.trace_id, 16),
        span_id: Id::from_bytes(&log.span_id, 8),
        repaired: repair.done,
        fault: (size > settings.max_line_bytes).then(|| too_large(size, settings)),
        source: "",
    }
}

/// Replaces NUL, which Postgres can't hold, and remembers that it did.
#[derive(Default)]
struct Repair {
    done: bool,
}

impl Repair {
    fn text(&mut self, text: String) -> Cow<'static, str> {
        if memchr::memchr(0, text.as_bytes()).is_none() {
            return Cow::Owned(text);
        }
        self.done = true;
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    }

    fn attributes(&mut self, attributes: Vec<KeyValue>) -> Attributes<'static> {
        let read = |attribute: KeyValue| {
            let value = attribute.value.map(|value| self.value(value)).unwrap_or_default();
            (self.text(attribute.key), value)
        };
        attributes.into_iter().map(read).collect()
    }

    fn value(&mut self, value: AnyValue) -> Value<'static> {
        match value.value {
            None => Value::Empty,
            Some(Any::Text(text)) => Value::plain(self.text(text)),
            Some(Any::Bool(value)) => Value::Bool(value),
            Some(Any::Int(value)) => Value::Int(value),
            Some(Any::Double(value)) => Value::Double(value),
            Some(Any::Bytes(bytes)) => Value::plain(to_base64(&bytes)),
            Some(nested) => {
                let mut json = String::new();
                self.write(AnyValue { value: Some(nested) }, &mut json);
                Value::Json(json)
            }
        }
    }

    /// As deep as prost reads: it stops at 100 levels.
    fn write(&mut self, value: AnyValue, to: &mut String) {
        match value.value {
            Some(Any::List(list)) => {
                to.push('[');
                for element in list.values {
                    separate(to);
                    self.write(element, to);
                }
                to.push(']');
            }
            Some(Any::Object(object)) => {
                to.push('{');
                for member in object.values {
                    separate(to);
                    json::write_string(to, &self.text(member.key));
                    to.push(':');
                    self.write(member.value.unwrap_or_default(), to);
                }
                to.push('}');
            }
            _ => self.value(value).write(to),
        }
    }
}

fn to_base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let held =
            three.iter().fold(0u32, |held, byte| held << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS.get((held >> (18 - 6 * place) & 63) as usize);
            text.push(if place > three.len() {
                '='
            } else {
                letter.map_or('=', |letter| char::from(*letter))
            });
        }
    }
    text
}

#[cfg(test)]
mod tests;
