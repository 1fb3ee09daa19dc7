//! Whatever comes, nothing panics, and every line is accounted for.
//!
//! `OBSERVA_FUZZ_SECONDS` says how long each of these tests tries new input (5).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it is surprised")]

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use observa_pipeline::batch::{self, Batch};
use observa_pipeline::decode;
use observa_pipeline::error::{Code, Reject};
use observa_pipeline::event::Field;
use observa_pipeline::histogram::Latencies;
use observa_pipeline::home::{Home, Homes, Place, Shared};
use observa_pipeline::price::{Book, Usage};
use observa_pipeline::scrub::Scrubber;
use observa_pipeline::settings::Settings;
use observa_pipeline::signal::RuleSet;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseResult, TestRunner};
use serde_json::{Value, json};

/// 2026-03-04 05:06:07 UTC.
const NOW: i64 = 1_772_600_767_000_000;

/// One tenant, named `default`.
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
            metric_tags: ["a", "tags", "customer"].map(str::to_owned).to_vec(),
        }))
    }
}

impl Homes for OneHome {
    fn home(&mut self, place: Place) -> Result<Arc<Home>, Reject> {
        match place.tenant {
            None | Some("default") => Ok(Arc::clone(&self.0)),
            Some(_) => Err(Reject::field(Code::TenantMismatch, "tenant_id", "unknown")),
        }
    }
}

/// Small, so that random input reaches them.
fn settings() -> Settings {
    Settings { max_line_bytes: 20_000, max_depth: 40, max_batch_bytes: 200_000, ..Settings::default() }
}

fn for_a_while<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> TestCaseResult) {
    let seconds = std::env::var("OBSERVA_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let mut runner =
            TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
        if let Err(error) = runner.run(strategy, &test) {
            panic!("{error}");
        }
    }
}

/// Reads a body as ingest does, and holds what comes out to what the storage can take.
fn read(body: &[u8]) -> TestCaseResult {
    let settings = settings();
    let Ok(opened) = decode::open(body, &settings) else { return Ok(()) };
    let Ok(lines) = decode::lines(&opened, &settings) else { return Ok(()) };
    let batch = batch::read(&lines, &settings, &mut OneHome::new(), NOW);
    let logs = batch.otlp.as_ref().map_or(0, |otlp| otlp.logs.len());
    let seen = batch.ready.len() + batch.rejected.len() + batch.duplicates as usize + logs;
    // A request is as many as its spans and records. What a record says of a span is in that span's event.
    let requests = || lines.iter().filter_map(|line| line.otlp.as_ref());
    let sent: usize = lines
        .iter()
        .map(|line| line.otlp.as_ref().map_or(1, |request| request.len() + usize::from(request.metrics)))
        .sum();
    let joined = requests().any(|request| !request.logs.is_empty()) && seen <= sent;
    prop_assert!(seen == sent || joined, "{seen} of {sent}");
    storable(&batch, &settings)
}

fn storable(batch: &Batch, settings: &Settings) -> TestCaseResult {
    let scrubber = Scrubber::builtin();
    for ready in &batch.ready {
        let event = &ready.event;
        for (field, name, _) in Field::ALL {
            let Some(text) = event.text(field) else { continue };
            prop_assert!(!text.contains('\0'), "{name} has a NUL");
            // A placeholder may be longer than what it stands for, by some letters.
            prop_assert!(text.len() <= 4 * settings.max_id_bytes, "{name} has {} bytes", text.len());
        }
        prop_assert!(event.text(Field::EventId).is_some());
        let ts = event.ts.unwrap_or_default();
        prop_assert!(ts >= NOW - settings.window_past && ts <= NOW + settings.window_future, "{ts}");
        for number in [event.latency_ms, event.ttft_ms].into_iter().flatten() {
            prop_assert!(number.is_finite() && number >= 0.0, "{number}");
        }
        for cost in [&event.cost_usd, &event.reported_cost_usd].into_iter().flatten() {
            prop_assert!(cost.sign() != bigdecimal::num_bigint::Sign::Minus, "{cost}");
        }
        for content in [&event.input, &event.output].into_iter().flatten() {
            prop_assert!(!content.as_str().contains('\0'));
        }
        if let Some(attributes) = &event.attributes {
            let parsed: Result<Value, _> = serde_json::from_str(attributes);
            prop_assert!(parsed.is_ok_and(|value| value.is_object()), "{attributes}");
            prop_assert!(!attributes.contains("\\u0000"), "{attributes}");
            prop_assert!(scrubber.is_clean(attributes), "{attributes}");
        }
        for signal in &ready.signals {
            prop_assert!(signal.value.is_finite(), "{}", signal.rule.name());
            prop_assert!(
                signal.threshold.is_none_or(|threshold| signal.value > threshold),
                "{}",
                signal.rule.name()
            );
        }
    }
    for rejected in &batch.rejected {
        prop_assert!(rejected.line > 0 && !rejected.text.contains('\0'));
        prop_assert!(!rejected.reject.message.is_empty());
    }
    Ok(())
}

/// Valid events of every type, nested and flat, and bodies of each form.
fn valid() -> Vec<String> {
    let types = [
        "llm_call",
        "tool_call",
        "retrieval",
        "error",
        "embedding",
        "vector_db_operation",
        "cache_operation",
        "agent_create",
        "feedback",
        "output",
        "trace_start",
        "trace_end",
        "guardrail",
        "reasoning_step",
        "prompt_template",
    ];
    let attributes = json!({
        "model": "gpt-4o", "latency_ms": 120.5, "tool_name": "search", "result_status": "success", "error_type": "Oops",
        "error_message": "it broke", "operation_type": "vector_search", "hit_status": "hit", "agent_name": "planner", "type": "rating",
        "rating": 4, "outcome": "success", "input": [{"role": "user", "content": "my mail is jane.roe@acme-corp.com \u{1F600}"}],
        "output": "a key: AKIAQ3EGYJ7KX5NT2MWB", "input_tokens": 1000, "output_tokens": 20, "usage": {"prompt_tokens": 5},
        "cost": 0.01, "dimension_count": 3, "embeddings": [[0.1, 0.2]], "results_count": 0, "tools_bound": [], "retrieval_context_ids": [],
    });
    let mut bodies: Vec<String> = Vec::new();
    for (number, name) in types.iter().enumerate() {
        let envelope = json!({"event_type": name, "event_id": format!("e{number}"), "timestamp": NOW / 1000, "trace_id": "t",
                              "span_id": "s", "tenant_id": "default", "user_id": "jane.roe@acme-corp.com"});
        let mut nested = envelope.clone();
        nested["attributes"] = json!({ *name: attributes });
        let mut flat = envelope;
        for (key, value) in attributes.as_object().into_iter().flatten() {
            flat[key] = value.clone();
        }
        bodies.extend([nested.to_string(), flat.to_string()]);
    }
    let ndjson = bodies.join("\n");
    let array = format!("[{}]", bodies.join(","));
    bodies.push(json!({"requests": [{"request_id": "r", "model": "m", "prompt": "p", "success": false}], "timestamp": "2026-03-04"}).to_string());
    bodies.push(
        json!({"traceId": "t", "query": "q", "response": "a", "latencyMs": 3, "status": 500}).to_string(),
    );
    bodies.push(serde_json::to_string_pretty(&attributes).unwrap());
    let ids = json!({"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"});
    let spans = json!([{"traceId": ids["traceId"], "spanId": ids["spanId"], "name": "chat gpt-4o", "startTimeUnixNano": (NOW * 1000).to_string(),
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}, {"key": "gen_ai.prompt.0.content", "value": {"stringValue": "jane.roe@acme-corp.com"}}],
        "events": [{"name": "exception"}], "status": {"code": 2}}]);
    bodies.push(json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "lib"}, "spans": spans}]}]}).to_string());
    bodies.push(json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"traceId": ids["traceId"], "spanId": ids["spanId"], "eventName": "gen_ai.choice",
        "body": {"stringValue": "AKIAQ3EGYJ7KX5NT2MWB"}}, {"severityNumber": 9, "body": {"stringValue": "hello"}}]}]}]}).to_string());
    bodies.extend([ndjson, array]);
    bodies
}

/// Pieces that parsers stumble over.
const PIECES: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b",",
    b":",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\\u0000",
    b"\\ud83d",
    b"\\ude00",
    b"null",
    b"NaN",
    b"1e400",
    b"-1",
    b"1e-400",
    b"99999999999999999999",
    b"0.1",
    b"\"\"",
    b"{}",
    b"[]",
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
    b"\"timestamp\":",
    b"\"attributes\":null,",
    b"\"event_type\":\"error\",",
    b"\"requests\":[1,{}],",
    b"\"usage\":{\"input_tokens\":-1},",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"-----BEGIN RSA PRIVATE KEY-----\\n",
    b"password=",
    b"sk-proj-",
    b"\xf0\x9f\x98\x80",
];

#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, usize),
    Delete(usize, usize),
    Repeat(usize, usize),
    Flip(usize, u8),
    Cut(usize),
}

fn edits() -> impl Strategy<Value = (usize, Vec<Edit>)> {
    let edit = prop_oneof![
        (any::<usize>(), any::<usize>()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Edit::Delete(at, length)),
        (any::<usize>(), 1usize..200).prop_map(|(at, length)| Edit::Repeat(at, length)),
        (any::<usize>(), 1u8..).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        any::<usize>().prop_map(Edit::Cut),
    ];
    (any::<usize>(), prop::collection::vec(edit, 0..6))
}

fn edited(mut body: Vec<u8>, edits: &[Edit]) -> Vec<u8> {
    for edit in edits {
        let place = |at: usize| at % (body.len() + 1);
        match *edit {
            Edit::Insert(at, piece) => {
                let at = place(at);
                body.splice(at..at, PIECES[piece % PIECES.len()].iter().copied());
            }
            Edit::Delete(at, length) => {
                let at = place(at);
                let end = (at + length).min(body.len());
                body.drain(at..end);
            }
            Edit::Repeat(at, length) => {
                let at = place(at);
                let end = (at + length).min(body.len());
                let piece = body[at..end].to_vec();
                body.splice(end..end, piece);
            }
            Edit::Flip(at, bits) => {
                let at = place(at);
                if let Some(byte) = body.get_mut(at) {
                    *byte ^= bits;
                }
            }
            Edit::Cut(at) => body.truncate(place(at)),
        }
    }
    body
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        prop::sample::select(vec![
            "success",
            "error",
            "rating",
            "2026-03-04T05:06:07Z",
            "1772600767",
            "jane.roe@acme-corp.com",
            "gpt-4o"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,12}|\\PC{1,4}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

#[test]
fn any_bytes_are_lines_that_are_stored_or_rejected() {
    let piece = prop_oneof![
        prop::sample::select(PIECES.to_vec()).prop_map(<[u8]>::to_vec),
        prop::collection::vec(any::<u8>(), 0..20),
    ];
    let bodies = prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat());
    for_a_while(&bodies, |body| read(&body));
}

#[test]
fn valid_events_that_were_damaged_are_lines_that_are_stored_or_rejected() {
    let bodies = valid();
    for body in &bodies {
        read(body.as_bytes()).unwrap();
    }
    for_a_while(&edits(), |(which, edits)| {
        let body = bodies[which % bodies.len()].clone().into_bytes();
        read(&edited(body, &edits))
    });
}

#[test]
fn any_value_in_any_member_is_stored_or_rejected() {
    let events: Vec<Value> =
        valid().iter().filter_map(|body| serde_json::from_str(body).ok()).filter(Value::is_object).collect();
    for_a_while(&(any::<usize>(), any::<usize>(), any_json()), |(which, member, value)| {
        let mut event = events[which % events.len()].clone();
        let name = event["event_type"].as_str().unwrap_or_default().to_owned();
        let nested = event.get("attributes").is_some() && member % 2 == 0;
        let object = if nested { &mut event["attributes"][&name] } else { &mut event };
        if let Value::Object(members) = object {
            let keys: Vec<String> = members.keys().cloned().collect();
            members.insert(keys[member / 2 % keys.len()].clone(), value);
        }
        read(event.to_string().as_bytes())
    });
}

#[test]
fn damaged_gzip_is_refused_or_read() {
    let body = valid().join("\n");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    for_a_while(&edits(), |(_, edits)| read(&edited(packed.clone(), &edits)));
}

#[test]
fn any_model_and_usage_has_a_cost_or_none() {
    let models = prop_oneof![
        "\\PC{0,40}",
        prop::sample::select(vec![
            "gpt-4o",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "ft:gpt-4o:org::id",
            "models/gemini-2.5-pro"
        ])
        .prop_flat_map(
            |name| ("[a-z/.:@-]{0,6}", "[a-z0-9/.:@-]{0,6}").prop_map(move |(a, b)| format!("{a}{name}{b}"))
        ),
    ];
    let count =
        prop_oneof![(0u64..1_000_000).prop_map(Value::from), any::<u64>().prop_map(Value::from), any_json()];
    let keys = vec![
        "input_tokens",
        "output_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "reasoning_tokens",
        "prompt_tokens",
        "completion_tokens",
        "cache_read_input_tokens",
        "promptTokenCount",
        "prompt_tokens_details",
        "service_tier",
    ];
    let usages = prop::collection::hash_map(prop::sample::select(keys), count, 0..6);
    for_a_while(&(models, usages, any::<i64>()), |(model, usage, at)| {
        let usage: Value = usage
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<serde_json::Map<_, _>>()
            .into();
        if let Ok(usage) = Usage::from_json(&usage)
            && let Some(breakdown) = Book::builtin().cost(&model, None, at, &usage)
        {
            prop_assert!(breakdown.total.sign() != bigdecimal::num_bigint::Sign::Minus);
            let total = Book::builtin().total(&model, None, at, &usage);
            prop_assert_eq!(Some(&breakdown.total), total.as_ref());
            prop_assert!(serde_json::from_str::<Value>(&breakdown.to_json()).is_ok());
        }
        Ok(())
    });
}

#[test]
fn any_text_is_scrubbed_to_text_without_secrets() {
    let piece = prop_oneof![
        prop::sample::select(PIECES.to_vec()).prop_map(|piece| String::from_utf8_lossy(piece).into_owned()),
        "\\PC{0,12}",
        prop::sample::select(vec![
            "jane.roe@acme-corp.com",
            "AKIAQ3EGYJ7KX5NT2MWB",
            "4539148803436467",
            "Bearer ",
            "eyJ",
            "://u:p@h",
            "AccountKey="
        ])
        .prop_map(str::to_owned),
    ];
    let texts = prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat());
    for_a_while(&texts, |text| {
        let scrubber = Scrubber::builtin();
        let scrubbed = catch_unwind(AssertUnwindSafe(|| scrubber.scrub(&text)));
        let Ok(scrubbed) = scrubbed else { return Err(TestCaseError::fail(format!("panicked on {text:?}"))) };
        prop_assert!(scrubber.is_clean(&scrubbed.text), "{}", scrubbed.text);
        // A bare number is text, too.
        if text.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
            prop_assert!(
                serde_json::from_str::<serde::de::IgnoredAny>(&scrubbed.text).is_ok(),
                "{}",
                scrubbed.text
            );
        }
        Ok(())
    });
}

#[test]
fn any_bytes_are_a_histogram_or_an_error() {
    let mut latencies = Latencies::new();
    (0..300).for_each(|step| latencies.record_us_n(step * step * 997, step));
    let valid = latencies.to_bytes();
    let header = valid[..40].to_vec();
    // Damaged ones, and any payload behind a header that fits it.
    let payloads = prop::collection::vec(any::<u8>(), 0..300).prop_map(move |payload| {
        let mut bytes = [header.as_slice(), &payload].concat();
        bytes[4..8].copy_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes
    });
    let damaged = edits().prop_map(move |(_, edits)| edited(valid.clone(), &edits));
    for_a_while(&prop_oneof![payloads, damaged, prop::collection::vec(any::<u8>(), 0..80)], |bytes| {
        let Ok(mut read) = Latencies::from_bytes(&bytes) else { return Ok(()) };
        prop_assert_eq!(Latencies::from_bytes(&read.to_bytes()).map(|again| again.count()), Ok(read.count()));
        prop_assert_eq!(read.quantile_ms(0.5).is_none(), read.is_empty());
        prop_assert!(read.mean_ms().is_none_or(f64::is_finite));
        prop_assert!(read.merge_bytes(&bytes).is_ok());
        Ok(())
    });
}
