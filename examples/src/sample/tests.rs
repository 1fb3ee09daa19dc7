use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

/// The fifteen kinds of canonical events.
const EVENT_TYPES: [&str; 15] = [
    "agent_create",
    "cache_operation",
    "embedding",
    "error",
    "feedback",
    "guardrail",
    "llm_call",
    "output",
    "prompt_template",
    "reasoning_step",
    "retrieval",
    "tool_call",
    "trace_end",
    "trace_start",
    "vector_db_operation",
];

fn until() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn sample(seed: u64) -> BTreeMap<String, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    write_sample(folder.path(), 6000, until(), &mut Dice::with_seed(seed)).unwrap();
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect()
}

fn canonical(files: &BTreeMap<String, Vec<u8>>) -> Vec<Value> {
    let mut agents = String::new();
    GzDecoder::new(files["2-acme-agents.ndjson.gz"].as_slice()).read_to_string(&mut agents).unwrap();
    let shop = std::str::from_utf8(&files["1-shop.ndjson"]).unwrap();
    shop.lines().chain(agents.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_files() {
    assert_eq!(sample(3), sample(3));
    assert_ne!(sample(3), sample(4));
}

#[test]
fn every_event_type_occurs_under_its_own_attributes() {
    let events = canonical(&sample(7));
    let types: BTreeSet<&str> = events.iter().filter_map(|event| event["event_type"].as_str()).collect();
    assert_eq!(types.into_iter().collect::<Vec<_>>(), EVENT_TYPES);
    assert!(
        events.iter().all(|event| event["attributes"][event["event_type"].as_str().unwrap()].is_object())
    );
}

#[test]
fn every_parent_is_a_span_of_the_same_trace() {
    let events = canonical(&sample(7));
    let text = |event: &Value, key: &str| event[key].as_str().map(str::to_owned);
    let spans: BTreeSet<_> =
        events.iter().map(|event| (text(event, "trace_id"), text(event, "span_id"))).collect();
    for event in &events {
        let parent = text(event, "parent_span_id");
        assert!(parent.is_none() || spans.contains(&(text(event, "trace_id"), parent)), "{event}");
    }
}

#[test]
fn events_lie_in_the_week_before_the_end() {
    for event in canonical(&sample(7)) {
        let at: Timestamp = event["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(at <= until() && at > until() - SignedDuration::from_hours(24 * 8), "{at}");
    }
}

#[test]
fn every_sample_has_a_loop_and_a_call_that_costs_a_fortune() {
    for seed in 7..12 {
        let events = canonical(&sample(seed));
        let mut calls = BTreeMap::new();
        for event in events.iter().filter(|event| event["event_type"] == "tool_call") {
            let call = &event["attributes"]["tool_call"];
            *calls
                .entry(format!("{} {} {}", event["trace_id"], call["tool_name"], call["args"]))
                .or_insert(0) += 1;
        }
        assert!(calls.values().any(|count| *count >= 5), "{seed}");
        assert!(
            events.iter().any(|event| event["attributes"]["llm_call"]["model"] == crate::cast::DEAR.name),
            "{seed}"
        );
    }
}

#[test]
fn some_lines_are_bad_and_most_are_not() {
    let files = sample(7);
    let lines: Vec<_> = files["7-bad-lines.ndjson"].split(|byte| *byte == b'\n').collect();
    let broken = lines.iter().filter(|line| serde_json::from_slice::<Value>(line).is_err()).count();
    assert!((5..lines.len() / 4).contains(&broken), "{broken} of {}", lines.len());
}
