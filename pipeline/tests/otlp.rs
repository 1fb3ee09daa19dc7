//! OTLP bodies from their bytes to events: what a trace's spans say of each other, and what becomes of bad ones.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it is surprised")]

use std::io::Write;
use std::sync::Arc;

use observa_pipeline::batch::{self, Batch};
use observa_pipeline::decode;
use observa_pipeline::error::{Code, Refusal, Reject};
use observa_pipeline::event::{Event, EventType, Field};
use observa_pipeline::home::{Home, Homes, Place, Shared};
use observa_pipeline::price::Book;
use observa_pipeline::scrub::Scrubber;
use observa_pipeline::settings::Settings;
use observa_pipeline::signal::RuleSet;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// 2026-03-04 05:06:07 UTC.
const NOW: i64 = 1_772_600_767_000_000;
const TRACE: &str = "5b8efff798038103d269b633813fc60c";

struct OneHome(Arc<Home>);

impl OneHome {
    fn new() -> OneHome {
        OneHome(Arc::new(Home {
            tenant_id: uuid::Uuid::from_u128(1),
            tenant_name: "default".into(),
            project_id: uuid::Uuid::from_u128(2),
            environment: "prod".into(),
            pseudonym_key: vec![7; 32],
            scrubber: Shared::BuiltIn(Scrubber::builtin()),
            book: Shared::BuiltIn(Book::builtin()),
            rules: Arc::new(RuleSet::default()),
            quality_scores: true,
            analysis: None,
            metric_tags: Vec::new(),
        }))
    }
}

impl Homes for OneHome {
    fn home(&mut self, _place: Place) -> Result<Arc<Home>, Reject> {
        Ok(Arc::clone(&self.0))
    }
}

fn with<T>(body: &[u8], settings: &Settings, test: impl FnOnce(Batch) -> T) -> T {
    let opened = decode::open(body, settings).unwrap();
    let lines = decode::lines(&opened, settings).unwrap();
    test(batch::read(&lines, settings, &mut OneHome::new(), NOW))
}

fn read<T>(body: impl ToString, test: impl FnOnce(Batch) -> T) -> T {
    with(body.to_string().as_bytes(), &Settings::default(), test)
}

fn any_value(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Number(number) => json!({ "intValue": number }),
        other => panic!("{other}"),
    }
}

fn key_values(members: &Value) -> Value {
    let members: &Map<String, Value> = members.as_object().unwrap();
    members.iter().map(|(key, value)| json!({ "key": key, "value": any_value(value) })).collect()
}

fn span(id: u64, parent: Option<u64>, name: &str, attributes: Value) -> Value {
    let mut span = json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "name": name, "kind": 1, "status": {},
        "startTimeUnixNano": "1772600760000000000", "endTimeUnixNano": "1772600761000000000",
        "attributes": key_values(&attributes),
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

fn traces(spans: &[Value]) -> Value {
    let resource = key_values(&json!({ "service.name": "shop" }));
    json!({ "resourceSpans": [{ "resource": { "attributes": resource }, "scopeSpans": [{ "scope": { "name": "lib" }, "spans": spans }] }] })
}

fn chat(more: Value) -> Value {
    let mut attributes = json!({ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o" });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    attributes
}

fn used() -> Value {
    json!({ "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10 })
}

fn find<'b, 'l>(batch: &'b Batch<'l>, name: &str) -> &'b Event<'l> {
    batch.ready.iter().map(|ready| &ready.event).find(|event| event.text(Field::Name) == Some(name)).unwrap()
}

#[test]
fn an_agents_sums_are_not_billed_beside_its_calls() {
    let spans = [
        span(3, Some(2), "anthropic.messages.create", chat(used())),
        span(2, Some(1), "chat gpt-4o", chat(used())),
        span(4, Some(1), "chat again", chat(used())),
        span(
            1,
            None,
            "invoke_agent shop",
            json!({ "gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 2000, "gen_ai.usage.output_tokens": 20 }),
        ),
    ];
    read(traces(&spans), |batch| {
        let billed: Vec<_> = batch
            .ready
            .iter()
            .map(|ready| (ready.event.text(Field::Name).unwrap(), ready.event.billable))
            .collect();
        let expected = [
            ("anthropic.messages.create", true),
            ("chat gpt-4o", false),
            ("chat again", true),
            ("invoke_agent shop", false),
        ];
        assert_eq!(billed, expected);
        // 2.50 USD per million input tokens of gpt-4o, 10 per million output.
        assert_eq!(find(&batch, "chat again").cost_usd.as_ref().unwrap().normalized().to_string(), "0.0026");
        assert_eq!(find(&batch, "chat gpt-4o").cost_usd, None);
        assert_eq!(find(&batch, "chat again").text(Field::ParentSpanId), Some("0000000000000001"));
    });
}

#[test]
fn a_trace_that_is_split_over_lines_is_still_one() {
    let child = traces(&[span(2, Some(1), "inner", chat(used()))]);
    let parent = traces(&[span(
        1,
        None,
        "outer",
        chat(json!({ "gen_ai.usage.input_tokens": 1000, "session.id": "s1" })),
    )]);
    let event = json!({ "event_type": "llm_call", "model": "gpt-4o" });
    read(format!("{child}\n{event}\n{parent}\n"), |batch| {
        assert_eq!((batch.ready.len(), batch.rejected.len()), (3, 0));
        assert_eq!((find(&batch, "inner").billable, find(&batch, "outer").billable), (true, false));
        assert_eq!(find(&batch, "inner").text(Field::SessionId), Some("s1"));
    });
    read(format!("[{child},{parent}]"), |batch| assert_eq!(batch.ready.len(), 2));
}

#[test]
fn a_span_that_is_sent_again_is_a_duplicate() {
    let body = traces(&[span(1, None, "chat", chat(used()))]);
    let again = traces(&[span(1, None, "chat", chat(json!({ "gen_ai.usage.output_tokens": 12 })))]);
    read(format!("{body}\n{again}"), |batch| assert_eq!((batch.ready.len(), batch.duplicates), (1, 1)));
}

#[test]
fn bad_spans_are_rejected_alone_and_can_be_sent_again() {
    let mut no_id = span(2, None, "no id", json!({ "kept": "yes" }));
    no_id["spanId"] = json!("");
    let mut old = span(3, None, "old", json!({}));
    old["startTimeUnixNano"] = json!("1500000000000000000");
    read(traces(&[span(1, None, "fine", json!({})), no_id, old]), |batch| {
        assert_eq!(batch.ready.len(), 1);
        let rejects: Vec<_> =
            batch.rejected.iter().map(|rejected| (rejected.line, rejected.reject.code)).collect();
        assert_eq!(rejects, [(2, Code::MissingField), (3, Code::TimestampOutOfWindow)]);
        assert_eq!(batch.otlp.as_ref().unwrap().rejected, 2);
        let stored: Value = serde_json::from_str(&batch.rejected[0].text).unwrap();
        assert_eq!(stored["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"], "no id");
        assert_eq!(stored["resourceSpans"][0]["resource"]["attributes"][0]["key"], "service.name");
    });
}

#[test]
fn metrics_are_refused_with_a_code() {
    read(json!({ "resourceMetrics": [] }), |batch| {
        assert_eq!(batch.rejected[0].reject.code, Code::UnsupportedFormat);
    });
}

#[test]
fn log_records_give_their_span_its_messages_and_the_rest_are_lines() {
    let record = |id: u64, name: &str, body: Value| {
        json!({ "traceId": TRACE, "spanId": format!("{id:016x}"), "eventName": name, "timeUnixNano": "1772600760500000000",
                "body": { "kvlistValue": { "values": key_values(&body) } } })
    };
    let logs = json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [
        record(1, "gen_ai.system.message", json!({ "content": "be brief" })),
        record(1, "gen_ai.user.message", json!({ "content": "write to jane.roe@acme-corp.com" })),
        record(1, "gen_ai.choice", json!({ "message": "yes" })),
        record(9, "gen_ai.user.message", json!({ "content": "of another body, jane.roe@acme-corp.com" })),
        { "timeUnixNano": "1772600760500000000", "severityNumber": 9, "body": { "stringValue": "jane.roe@acme-corp.com came by" } },
    ] }] }] });
    let body = format!("{logs}\n{}", traces(&[span(1, None, "chat", chat(used()))]));
    read(body, |batch| {
        let event = find(&batch, "chat");
        let input: Value = serde_json::from_str(event.input.as_ref().unwrap().as_str()).unwrap();
        assert_eq!((&input[0]["content"], &input[1]["role"]), (&json!("be brief"), &json!("user")));
        assert!(!input.to_string().contains("acme-corp"), "{input}");
        let otlp = batch.otlp.as_ref().unwrap();
        assert_eq!((otlp.contents.len(), otlp.logs.len(), otlp.rejected), (1, 1, 0));
        assert_eq!(otlp.contents[0].content.span_id, "0000000000000009");
        for text in [otlp.contents[0].content.input.as_ref().unwrap().as_str(), &otlp.logs[0].record.message]
        {
            assert!(!text.contains("acme-corp"), "{text}");
        }
        assert_eq!((otlp.logs[0].record.level, otlp.logs[0].redactions), ("info", 1));
    });
}

#[test]
fn spans_count_as_events_and_as_lines() {
    let spans: Vec<Value> = (1..=5).map(|id| span(id, None, "x", json!({}))).collect();
    let body = traces(&spans).to_string();
    let few = Settings { max_batch_events: 4, ..Settings::default() };
    let refusal = decode::lines(body.as_bytes(), &few).unwrap_err();
    assert_eq!(refusal, Refusal::TooManyEvents { count: 5, limit: 4 });
    let empty =
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}{{}}]}}]}}]}}"#, "{},".repeat(999_999));
    let refusal = decode::lines(empty.as_bytes(), &Settings::default()).unwrap_err();
    assert_eq!(refusal, Refusal::TooManyEvents { count: 1_000_000, limit: 100_000 });
    // The whole request may be larger than a line, a span may not.
    let short = Settings { max_line_bytes: 400, ..Settings::default() };
    let large = span(6, None, "x", json!({ "note": "y".repeat(500) }));
    let body = traces(&[spans.as_slice(), &[large]].concat()).to_string();
    with(body.as_bytes(), &short, |batch| {
        assert_eq!((batch.ready.len(), batch.rejected[0].reject.code), (5, Code::LineTooLarge));
    });
}

#[test]
fn a_hundred_thousand_spans_in_circles_and_chains_take_seconds() {
    let spans: Vec<Value> = (1..=100_000u64)
        .map(|id| json!({ "traceId": TRACE, "spanId": format!("{id:016x}"), "parentSpanId": format!("{:016x}", id % 100_000 + 1) }))
        .collect();
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] }).to_string();
    let settings = Settings { max_batch_bytes: usize::MAX, ..Settings::default() };
    let start = std::time::Instant::now();
    with(body.as_bytes(), &settings, |batch| assert_eq!(batch.ready.len(), 100_000));
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn an_attribute_bomb_is_one_reject() {
    let bomb: Map<String, Value> = (0..25_000).map(|number| (format!("k{number}"), json!("v"))).collect();
    read(traces(&[span(1, None, "bomb", Value::Object(bomb)), span(2, None, "fine", json!({}))]), |batch| {
        assert_eq!((batch.ready.len(), batch.rejected[0].reject.code), (1, Code::LineTooLarge));
    });
    let mut deep = json!({ "intValue": 1 });
    for _ in 0..60 {
        deep = json!({ "arrayValue": { "values": [deep] } });
    }
    let mut nested = span(1, None, "deep", json!({}));
    nested["attributes"] = json!([{ "key": "deep", "value": deep }]);
    read(traces(&[nested, span(2, None, "fine", json!({}))]), |batch| {
        assert_eq!((batch.ready.len(), batch.rejected[0].reject.code), (1, Code::TooDeep));
    });
}

#[test]
fn a_gzip_body_is_read_like_a_plain_one() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(traces(&[span(1, None, "chat", chat(used()))]).to_string().as_bytes()).unwrap();
    with(&packed.finish().unwrap(), &Settings::default(), |batch| {
        assert_eq!(find(&batch, "chat").event_type, EventType::LlmCall);
    });
}

/// Values that the tables have a meaning for, right and wrong.
fn value() -> impl Strategy<Value = Value> {
    let texts = prop_oneof![
        Just("chat".to_owned()),
        Just("1e400".to_owned()),
        Just(r#"[{"role":"user","content":"hi"}]"#.to_owned()),
        Just(r#"{"id":"x","choices":[{"message":{}}],"usage":{"prompt_tokens":-1}}"#.to_owned()),
        Just("[[[[[".to_owned()),
        ".{0,20}",
    ];
    prop_oneof![
        texts.prop_map(|text| json!({ "stringValue": text })),
        any::<i64>().prop_map(|number| json!({ "intValue": number.to_string() })),
        any::<f64>().prop_map(|number| json!({ "doubleValue": number })),
        Just(json!({ "arrayValue": { "values": [{}, { "intValue": "x" }, { "kvlistValue": {} }] } })),
        Just(json!({ "kvlistValue": { "values": [{ "key": "a" }, {}] } })),
        Just(json!(null)),
        Just(json!([])),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "gen_ai.operation.name",
        "gen_ai.prompt.0.role",
        "gen_ai.prompt.x",
        "llm.input_messages.9.message.contents.0.message_content.text",
        "gen_ai.input.messages",
        "output.value",
        "gen_ai.usage.input_tokens",
        "langfuse.observation.usage_details",
        "events",
        "ai.prompt",
        "ai.response.toolCalls",
        "ai.response.text",
        "ai.embeddings",
        "langfuse.observation.completion_start_time",
        "metadata",
        "name",
        "gen_ai.usage.cost",
        "gen_ai.response.finish_reasons",
        "openinference.span.kind",
        "retrieval.documents.0.document.content",
        "embedding.embeddings.0.embedding.vector",
        "gen_ai.system_instructions",
        "request_data",
        "response_data",
        "otel.scope",
        "tags",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_spans_are_all_accounted_for(
        spans in prop::collection::vec((0u64..6, prop::option::of(0u64..6), prop::collection::vec((key(), value()), 0..8), any::<u64>()), 0..8),
    ) {
        let spans: Vec<Value> = spans.into_iter().map(|(id, parent, attributes, end)| {
            let mut span = span(id, parent, "chat x", json!({}));
            span["attributes"] = attributes.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            span["endTimeUnixNano"] = json!(end);
            span
        }).collect();
        let count = spans.len();
        let body = traces(&spans).to_string();
        let batch_count = with(body.as_bytes(), &Settings::default(), |batch| {
            for ready in &batch.ready {
                let attributes: Value = serde_json::from_str(ready.event.attributes.as_deref().unwrap()).unwrap();
                assert!(attributes.is_object());
                for content in [&ready.event.input, &ready.event.output].into_iter().flatten() {
                    if let observa_pipeline::event::Content::Json(text) = content {
                        assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
                    }
                }
            }
            batch.ready.len() + batch.rejected.len() + batch.duplicates as usize
        });
        prop_assert_eq!(batch_count, count);
    }

    #[test]
    fn damaged_requests_panic_nowhere(cut in 0usize..2_000, at in 0usize..2_000, byte: u8) {
        let logs = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"eventName":"gen_ai.choice","body":{"stringValue":"x"}}]}]}]}"#;
        let body = format!("{}\n{logs}", traces(&[span(1, None, "chat", chat(used())), span(2, Some(1), "x", json!({}))]));
        let mut bytes = body.into_bytes();
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Some(slot) = bytes.get_mut(at) {
            *slot = byte;
        }
        with(&bytes, &Settings::default(), |_| ());
    }

    #[test]
    fn bytes_that_begin_like_protobuf_panic_nowhere(bytes: Vec<u8>) {
        let body: Vec<u8> = [b"\x0a".as_slice(), &bytes].concat();
        with(&body, &Settings::default(), |_| ());
    }
}
