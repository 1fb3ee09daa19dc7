//! Spans of each dialect; what is expected of them comes from the conventions of their libraries.

mod dialects;
mod frameworks;
mod rules;

use serde_json::{Map, Value as Json, json};

use super::*;
use crate::decode::otlp::{Request, json as otlp_json};
use crate::event::{EventType, Status};
use crate::price::parse_usd;
use crate::settings::Settings;
use crate::translate::otel::stored::{Columns, Stored};

/// An attribute's value as OTLP writes it.
fn any(value: &Json) -> Json {
    match value {
        Json::String(text) => json!({ "stringValue": text }),
        Json::Bool(value) => json!({ "boolValue": value }),
        Json::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Json::Number(number) => json!({ "doubleValue": number }),
        Json::Array(values) => {
            json!({ "arrayValue": { "values": values.iter().map(any).collect::<Vec<_>>() } })
        }
        Json::Object(members) => json!({ "kvlistValue": { "values": key_values(members) } }),
        Json::Null => json!({}),
    }
}

fn key_values(members: &Map<String, Json>) -> Json {
    members.iter().map(|(key, value)| json!({ "key": key, "value": any(value) })).collect()
}

struct Sent {
    name: &'static str,
    scope: (&'static str, &'static str),
    attributes: Json,
    extra: Json,
}

fn sent(name: &'static str, attributes: Json) -> Sent {
    Sent { name, scope: ("", ""), attributes, extra: json!({}) }
}

fn request(sent: &Sent) -> Request<'static> {
    let mut span = json!({
        "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": sent.name,
        "startTimeUnixNano": "1772600767000000000", "endTimeUnixNano": "1772600768500000000",
        "attributes": key_values(sent.attributes.as_object().unwrap()),
    });
    for (key, value) in sent.extra.as_object().unwrap() {
        span[key] = value.clone();
    }
    let (name, version) = sent.scope;
    let resource = json!({ "service.name": "shop", "service.version": "2.4.1", "deployment.environment.name": "staging" });
    let body = json!({ "resourceSpans": [{
        "resource": { "attributes": key_values(resource.as_object().unwrap()) },
        "scopeSpans": [{ "scope": { "name": name, "version": version }, "spans": [span] }],
    }] });
    otlp_json::read(Box::leak(body.to_string().into_boxed_str()), &Settings::default()).unwrap()
}

fn event(sent: Sent) -> Event<'static> {
    let request: &'static Request<'static> = Box::leak(Box::new(request(&sent)));
    let origin = Origin::new(&request.resources[0], &request.scopes[0]);
    let event = translate(1, &request.spans[0], &origin).unwrap();
    what_is_stored_gives_the_same_event(&event);
    event
}

/// A later translator must be able to read again what this one kept.
fn what_is_stored_gives_the_same_event(event: &Event) {
    let columns = Columns {
        trace_id: event.text(Field::TraceId).unwrap(),
        span_id: event.text(Field::SpanId).unwrap(),
        parent_span_id: event.text(Field::ParentSpanId),
        name: event.text(Field::Name),
        ts: event.ts,
        latency_ms: event.latency_ms,
        error_message: event.error_message.as_deref(),
    };
    let stored = Stored::read(event.attributes.as_deref().unwrap(), &columns).unwrap().unwrap();
    let again = stored.event().unwrap();
    assert_eq!(again.event_type, event.event_type);
    for (field, name, _) in Field::ALL {
        // A finish reason that only the answer had is in the stored answer.
        if field != Field::FinishReason || again.text(field).is_some() {
            assert_eq!(again.text(field), event.text(field), "{name}");
        }
    }
    assert_eq!((again.tokens, again.ttft_ms, again.status), (event.tokens, event.ttft_ms, event.status));
    assert_eq!((&again.error_message, again.latency_ms), (&event.error_message, event.latency_ms));
    assert_eq!(again.reported_cost_usd, event.reported_cost_usd);
    let without = |event: &Event| {
        let mut attributes = attributes(event);
        attributes.as_object_mut().unwrap().remove("observa.end_before_start");
        attributes
    };
    assert_eq!(without(&again), without(event));
}

fn of(name: &'static str, attributes: Json) -> Event<'static> {
    event(sent(name, attributes))
}

fn content(content: &Option<Content>) -> Json {
    match content {
        None => Json::Null,
        Some(Content::Text(text)) => json!(text),
        Some(Content::Json(text)) => serde_json::from_str(text).unwrap(),
    }
}

fn attributes(event: &Event) -> Json {
    serde_json::from_str(event.attributes.as_deref().unwrap()).unwrap()
}

fn texts<const N: usize>(event: &Event, fields: [Field; N]) -> [Option<String>; N] {
    fields.map(|field| event.text(field).map(str::to_owned))
}

fn some<const N: usize>(texts: [&str; N]) -> [Option<String>; N] {
    texts.map(|text| Some(text.to_owned()))
}

const MODELS: [Field; 3] = [Field::Provider, Field::Model, Field::ResponseModel];
