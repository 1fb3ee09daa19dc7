//! OTLP as collectors send it: the generated events as spans of OpenTelemetry's conventions, against parsing the same bytes.

use std::hint::black_box;

use anyhow::{Result, ensure};
use observa_pipeline::decode;
use observa_pipeline::settings::Settings;
use observa_pipeline::translate::otel::{Origin, translate};
use serde_json::{Map, Value, json};

use crate::measure::{Table, in_turn, megabytes_per_second, time};
use crate::pipeline;

/// Spans of one request, as the SDKs' batch processors send them.
const BATCH: usize = 512;

/// Which attribute of an event goes under which of OpenTelemetry's names.
const NAMES: &[(&str, &str)] = &[
    ("model", "gen_ai.request.model"),
    ("provider_name", "gen_ai.provider.name"),
    ("response_model", "gen_ai.response.model"),
    ("operation_name", "gen_ai.operation.name"),
    ("input_messages", "gen_ai.input.messages"),
    ("output_messages", "gen_ai.output.messages"),
    ("input_tokens", "gen_ai.usage.input_tokens"),
    ("output_tokens", "gen_ai.usage.output_tokens"),
    ("temperature", "gen_ai.request.temperature"),
    ("max_tokens", "gen_ai.request.max_tokens"),
    ("top_p", "gen_ai.request.top_p"),
    ("finish_reason", "gen_ai.response.finish_reasons"),
    ("response_id", "gen_ai.response.id"),
    ("server_address", "server.address"),
    ("server_port", "server.port"),
    ("tool_name", "gen_ai.tool.name"),
    ("tool_call_id", "gen_ai.tool.call.id"),
    ("args", "gen_ai.tool.call.arguments"),
    ("result", "gen_ai.tool.call.result"),
];

/// Requests of `BATCH` spans each.
pub fn requests(events: &[String]) -> Result<Vec<String>> {
    let spans =
        events.iter().map(|line| Ok(span(&serde_json::from_str(line)?))).collect::<Result<Vec<Value>>>()?;
    let resource = attributes(&[
        ("service.name".into(), json!("shop")),
        ("service.version".into(), json!("2.4.1")),
        ("telemetry.sdk.language".into(), json!("python")),
    ]);
    let request = |spans: &[Value]| {
        json!({ "resourceSpans": [{
            "resource": { "attributes": resource },
            "scopeSpans": [{ "scope": { "name": "opentelemetry.instrumentation.openai_v2" }, "spans": spans }],
        }] })
        .to_string()
    };
    Ok(spans.chunks(BATCH).map(request).collect())
}

fn span(event: &Value) -> Value {
    let event_type = event["event_type"].as_str().unwrap_or_default();
    let none = Map::new();
    let own = event["attributes"][event_type].as_object().unwrap_or(&none);
    let mut members: Vec<(String, Value)> = own
        .iter()
        .map(|(key, value)| {
            let name = NAMES.iter().find(|(from, _)| from == key).map_or(key.as_str(), |(_, to)| to);
            (name.to_owned(), value.clone())
        })
        .collect();
    if event_type == "tool_call" {
        members.push(("gen_ai.operation.name".into(), json!("execute_tool")));
    }
    for (key, name) in
        [("session_id", "session.id"), ("user_id", "user.id"), ("conversation_id", "gen_ai.conversation.id")]
    {
        members.push((name.into(), event[key].clone()));
    }
    let start = event["timestamp"].as_i64().unwrap_or_default() * 1_000_000;
    let end = start + own.get("latency_ms").and_then(Value::as_i64).unwrap_or_default() * 1_000_000;
    json!({
        "traceId": event["trace_id"], "spanId": event["span_id"], "parentSpanId": event["parent_span_id"], "name": event_type,
        "kind": 3, "startTimeUnixNano": start.to_string(), "endTimeUnixNano": end.to_string(), "attributes": attributes(&members),
        "events": [], "links": [], "status": { "code": 0 }, "droppedAttributesCount": 0, "flags": 257,
    })
}

/// Lists and objects as JSON texts, as the conventions have them.
fn attributes(members: &[(String, Value)]) -> Value {
    let value = |value: &Value| match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Number(number) if number.is_i64() => json!({ "intValue": number.to_string() }),
        Value::Number(number) => json!({ "doubleValue": number }),
        Value::Bool(value) => json!({ "boolValue": value }),
        other => json!({ "stringValue": other.to_string() }),
    };
    members.iter().map(|(key, member)| json!({ "key": key, "value": value(member) })).collect()
}

pub fn run(what: &str, events: &[String], rounds: usize, table: &mut Table) -> Result<()> {
    let bodies = requests(events)?;
    let bytes: usize = bodies.iter().map(String::len).sum();
    let settings = Settings { max_batch_bytes: usize::MAX, ..Settings::default() };
    let translated = || {
        let (took, done) = time(|| {
            bodies.iter().try_fold(0, |done, body| {
                let lines = decode::lines(body.as_bytes(), &settings)?;
                let mut count = 0;
                for request in lines.iter().filter_map(|line| line.otlp.as_ref()) {
                    let scopes = request.scopes.iter();
                    let origins: Vec<Origin> = scopes
                        .filter_map(|scope| Some(Origin::new(request.resources.get(scope.resource)?, scope)))
                        .collect();
                    for span in &request.spans {
                        let event = origins.get(span.scope).map(|origin| translate(1, span, origin));
                        count += usize::from(black_box(event).is_some_and(|event| event.is_ok()));
                    }
                }
                Ok(done + count)
            })
        });
        let done: Result<usize> = done;
        ensure!(done? == events.len(), "spans are missing");
        Ok(megabytes_per_second(bytes, took))
    };
    let parsed = || {
        let (took, parsed) = time(|| {
            bodies.iter().try_for_each(|body| {
                black_box(serde_json::from_slice::<Value>(body.as_bytes())?);
                Ok::<(), serde_json::Error>(())
            })
        });
        parsed?;
        Ok(megabytes_per_second(bytes, took))
    };
    translated()?;
    table.compare(
        &format!("OTLP/JSON to events, {what}"),
        "MB/s",
        &in_turn(rounds, translated, parsed)?,
        "serde_json to Value",
    );
    pipeline::run_bodies(&format!("pipeline, OTLP/JSON, {what}"), &bodies, events.len(), rounds, table)
}
