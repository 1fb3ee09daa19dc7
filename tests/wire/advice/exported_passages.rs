//! Retrieved passages as libraries export them by OTLP, each in its own way, are those that advice looks at.

use observa_tests::event::{DAY_MS, now_ms};
use serde_json::{Value, json};

use super::unused_context::{QUESTION, answer, passages};
use super::{only, ready};
use crate::otlp::key_values;

/// A search with its result, and a call that has it in its prompt: attributes and events of the search, attributes of the call.
type Exported = fn(n: i64, found: &[String]) -> [Value; 3];

const INSTRUCTIONS: &str = "Answer with what you find in the handbook.";

/// 1,000 characters, of which each passage has 100.
fn told(n: i64, found: &[String]) -> String {
    let so_far = INSTRUCTIONS.len() + QUESTION.len() + 100 * found.len();
    format!("{INSTRUCTIONS}{}{n:*>rest$}", found.concat(), rest = 1000 - so_far)
}

fn openinference(n: i64, found: &[String]) -> [Value; 3] {
    let mut search = json!({"openinference.span.kind": "RETRIEVER", "input.value": QUESTION, "input.mime_type": "text/plain"});
    for (place, text) in found.iter().enumerate() {
        let document = format!("retrieval.documents.{place}.document");
        search[format!("{document}.content")] = json!(text);
        search[format!("{document}.id")] = json!(format!("d{place}"));
        search[format!("{document}.score")] = json!(1.5 / (place + 2) as f64);
        search[format!("{document}.metadata")] = json!(json!({"source": "handbook.md"}).to_string());
    }
    let messages = [("system", told(n, found)), ("user", QUESTION.into())];
    let mut call = json!({
        "openinference.span.kind": "LLM", "llm.model_name": "dear", "llm.token_count.prompt": 1000, "llm.token_count.completion": 10,
        "llm.token_count.total": 1010, "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": answer(0),
        "output.value": answer(0), "output.mime_type": "text/plain", "input.mime_type": "application/json",
        "input.value": json!({"messages": messages.clone().map(|(role, content)| json!({"role": role, "content": content}))}).to_string(),
    });
    for (number, (role, content)) in messages.into_iter().enumerate() {
        call[format!("llm.input_messages.{number}.message.role")] = json!(role);
        call[format!("llm.input_messages.{number}.message.content")] = json!(content);
    }
    [search, json!([]), call]
}

/// OpenLLMetry: each result is an event of the database's span.
fn openllmetry(n: i64, found: &[String]) -> [Value; 3] {
    let results = found.iter().enumerate().map(|(place, text)| {
        let attributes = json!({"db.query.result.id": format!("d{place}"), "db.query.result.distance": 0.125 * (place + 1) as f64,
                                "db.query.result.document": text, "db.query.result.metadata": json!({"source": "handbook.md"}).to_string()});
        json!({"name": "db.query.result", "attributes": key_values(&attributes)})
    });
    let call = json!({
        "llm.request.type": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "dear", "gen_ai.response.model": "dear",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10, "llm.usage.total_tokens": 1010,
        "gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": told(n, found), "gen_ai.prompt.1.role": "user", "gen_ai.prompt.1.content": QUESTION,
        "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": answer(0), "gen_ai.completion.0.finish_reason": "stop",
    });
    let search = json!({"db.system": "chroma", "db.operation": "query", "db.chroma.query.n_results": found.len() as i64});
    [search, results.collect(), call]
}

/// OpenTelemetry's conventions.
fn opentelemetry(n: i64, found: &[String]) -> [Value; 3] {
    let documents: Vec<Value> = found
        .iter()
        .enumerate()
        .map(|(place, text)| json!({"id": format!("d{place}"), "content": text}))
        .collect();
    let message =
        |role: &str, content: String| json!({"role": role, "parts": [{"type": "text", "content": content}]});
    let search = json!({"gen_ai.operation.name": "retrieval", "gen_ai.retrieval.query.text": QUESTION, "gen_ai.data_source.id": "handbook",
                        "gen_ai.retrieval.documents": json!(documents).to_string()});
    let call = json!({
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "dear", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10,
        "gen_ai.input.messages": json!([message("system", told(n, found)), message("user", QUESTION.into())]).to_string(),
        "gen_ai.output.messages": json!([message("assistant", answer(0))]).to_string(),
    });
    [search, json!([]), call]
}

/// So many traces, in bodies as exporters send them.
fn body(exported: Exported, traces: std::ops::Range<i64>) -> String {
    let spans = traces.flat_map(|n| {
        let [search, results, call] = exported(n, &passages(6));
        let start = now_ms() - DAY_MS + n * 1000;
        let span = move |id: i64, name: &str, after: i64, attributes: &Value| {
            json!({
                "traceId": format!("{:032x}", n + 1), "spanId": format!("{:016x}", 2 * n + id), "parentSpanId": format!("{:016x}", 9_000 + n), "name": name,
                "startTimeUnixNano": format!("{}000000", start + after), "endTimeUnixNano": format!("{}000000", start + after + 50),
                "kind": 3, "status": {}, "attributes": key_values(attributes),
            })
        };
        let mut searched = span(1, "handbook", 0, &search);
        searched["events"] = results;
        [searched, span(2, "chat", 100, &call)]
    });
    let spans: Vec<Value> = spans.collect();
    json!({ "resourceSpans": [{ "resource": { "attributes": key_values(&json!({"service.name": "shop"})) },
        "scopeSpans": [{ "scope": { "name": "lib" }, "spans": spans }] }] })
    .to_string()
}

#[test]
fn passages_that_libraries_export_are_told_where_answers_have_no_words_of_them() {
    let libraries: [(&str, Exported); 3] =
        [("OpenInference", openinference), ("OpenLLMetry", openllmetry), ("OpenTelemetry", opentelemetry)];
    for (library, exported) in libraries {
        let mut db = ready();
        for traces in [0..15, 15..30] {
            let answer = db.ingest(&body(exported, traces));
            assert_eq!(answer["accepted"], 30, "{library}: {answer}");
        }
        let seen = db.row("SELECT count(*), min(length(output)) > 600 AS whole FROM observa.events WHERE event_type IN ('retrieval', 'vector_db_operation')");
        assert_eq!(seen, json!({"count": 30, "whole": true}), "{library}");
        let found = only(&mut db, "unused_context");
        assert_eq!(found["subject"], "handbook", "{library}");
        let evidence = &found["evidence"];
        assert_eq!(
            (
                &evidence["calls"],
                &evidence["passages_per_call"],
                &evidence["from_place"],
                &evidence["passages_from_there"]
            ),
            (&json!(30), &json!(6.0), &json!(2), &json!(150)),
            "{library}: {evidence}"
        );
        // 500 of a prompt's characters, beside what JSON writes around them.
        let tokens = evidence["tokens_from_there"].as_f64().unwrap();
        assert!((11_000.0..=15_000.0).contains(&tokens), "{library}: {tokens}");
        // It is rounded, as tokens are for evidence.
        assert!((found["saving_usd"].as_f64().unwrap() - tokens * 0.001).abs() < 0.001, "{library}: {found}");
    }
}
