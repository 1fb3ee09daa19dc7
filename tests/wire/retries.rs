//! The same event sent twice is stored once and counted as a duplicate.

use observa_tests::Database;
use observa_tests::database::ingest;
use observa_tests::event::{lines, llm_call, now_ms};
use serde_json::{Value, json};

#[track_caller]
fn counts(answer: &Value, accepted: u64, duplicates: u64) {
    assert_eq!(
        (&answer["accepted"], &answer["duplicates"]),
        (&json!(accepted), &json!(duplicates)),
        "{answer}"
    );
    assert_eq!(answer["rejected"], 0, "{answer}");
}

/// Events that a retry finds by each of the ways.
fn events() -> Vec<Value> {
    vec![
        llm_call("named"),
        json!({"model": "m", "request_id": "by-request", "timestamp": now_ms()}),
        json!({"model": "m", "event_id": "no-time"}),
        json!({"event_type": "llm_call", "trace_id": "t", "span_id": "s", "timestamp": now_ms(), "model": "m"}),
        json!({"event_type": "trace_start", "trace_id": "t", "span_id": "s", "timestamp": now_ms()}),
        json!({"model": "m", "prompt": "by its content, with a time", "timestamp": now_ms()}),
        json!({"model": "m", "prompt": "by its content alone"}),
    ]
}

#[test]
fn a_retry_of_a_stored_batch_counts_duplicates() {
    let mut db = Database::ready();
    let body = lines(&events());
    counts(&db.ingest(&body), 7, 0);
    counts(&db.ingest(&body), 0, 7);
    counts(&db.ingest_bytes(body.as_bytes()), 0, 7);
    assert_eq!(db.count("observa.events"), 7);
    assert_eq!(db.count("observa_internal.event_payloads"), 3);
}

#[test]
fn an_event_twice_in_one_batch_is_stored_once() {
    let mut db = Database::ready();
    let twice: Vec<Value> = events().into_iter().flat_map(|event| [event.clone(), event]).collect();
    counts(&db.ingest(&lines(&twice)), 7, 7);
    assert_eq!(db.count("observa.events"), 7);
}

#[test]
fn a_batch_with_old_and_new_events_stores_the_new() {
    let mut db = Database::ready();
    counts(&db.ingest(&lines(&[llm_call("a"), llm_call("b")])), 2, 0);
    let events =
        db.table("SELECT event_id, extract(epoch FROM ts)::numeric * 1000000 AS ts FROM observa.events");
    let again = |id: &str| {
        let ts = events.iter().find(|event| event["event_id"] == id).unwrap()["ts"].as_f64().unwrap();
        json!({"model": "m", "event_id": id, "timestamp": ts as i64, "input": "other words"})
    };
    counts(&db.ingest(&lines(&[again("a"), llm_call("c"), again("b")])), 1, 2);
    assert_eq!(db.count("observa.events WHERE input = 'other words'"), 0, "the first one stays");
}

#[test]
fn start_and_end_of_a_span_are_two_events() {
    let mut db = Database::ready();
    let ts = now_ms();
    let of = |event_type: &str| json!({"event_type": event_type, "trace_id": "t", "span_id": "s", "timestamp": ts});
    counts(&db.ingest(&lines(&[of("trace_start"), of("trace_end")])), 2, 0);
}

#[test]
fn one_id_at_two_tenants_is_two_events() {
    let mut db = Database::ready();
    db.tenant("other");
    let event = llm_call("same");
    let other = observa_tests::event::with(event.clone(), json!({"tenant_id": "other"}));
    counts(&db.ingest(&lines(&[event, other])), 2, 0);
}

#[test]
fn a_retry_that_races_the_first_is_stored_once() {
    let mut db = Database::ready();
    let body = lines(&events());
    let mut other = db.connect();
    let mut first = db.client.transaction().unwrap();
    let answer: Value = first.query_one("SELECT observa.ingest($1::text)", &[&body]).unwrap().get(0);
    counts(&answer, 7, 0);
    let racing = std::thread::spawn({
        let body = body.clone();
        move || ingest(&mut other, &body)
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    first.commit().unwrap();
    counts(&racing.join().unwrap(), 0, 7);
    assert_eq!(db.count("observa.events"), 7);
}

#[test]
fn a_retry_after_a_rollback_is_stored() {
    let mut db = Database::ready();
    let body = lines(&events());
    let mut first = db.client.transaction().unwrap();
    let answer: Value = first.query_one("SELECT observa.ingest($1::text)", &[&body]).unwrap().get(0);
    counts(&answer, 7, 0);
    first.rollback().unwrap();
    counts(&db.ingest(&body), 7, 0);
}

#[test]
fn a_retry_on_the_next_day_is_found_where_the_event_had_no_time() {
    let mut db = Database::ready();
    let event = json!({"model": "m", "event_id": "at midnight"}).to_string();
    counts(&db.ingest(&event), 1, 0);
    // As if it had come yesterday.
    db.run(
        "DO $$ BEGIN EXECUTE format('CREATE TABLE observa_internal.event_keys_yesterday PARTITION OF observa_internal.event_keys
             FOR VALUES FROM (%L) TO (%L)', (now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date); END $$;
         UPDATE observa_internal.event_keys SET arrived_on = arrived_on - 1",
    );
    counts(&db.ingest(&event), 0, 1);
    assert_eq!(db.count("observa.events"), 1);
}

#[test]
fn signals_and_alerts_of_a_retry_are_not_raised_again() {
    let mut db = Database::ready();
    let slow = observa_tests::event::with(llm_call("slow"), json!({"latency_ms": 9000})).to_string();
    assert_eq!(db.ingest(&slow)["signals"], 1);
    assert_eq!(db.ingest(&slow)["signals"], 0);
    assert_eq!(db.count("observa.signals"), 1);
}
