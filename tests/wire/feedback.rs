//! observa.feedback: what people said, beside what they said it of.

use observa_tests::Database;
use observa_tests::database::{one, table};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

fn feedback(id: &str, more: Value) -> Value {
    with(json!({"event_type": "feedback", "event_id": id, "type": "like", "timestamp": now_ms() - 500}), more)
}

fn call(id: &str, seconds_ago: i64, more: Value) -> Value {
    with(with(llm_call(id), json!({"timestamp": now_ms() - seconds_ago * 1000})), more)
}

const FOUND: &str = "SELECT id, found_by, event_id, model, route FROM observa.feedback ORDER BY id";

#[test]
fn feedback_is_beside_the_span_or_the_last_call_that_it_is_about() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        call("first", 60, json!({"trace_id": "t", "span_id": "s1", "model": "m1", "route": "/r"})),
        call("second", 50, json!({"trace_id": "t", "span_id": "s2", "parent_span_id": "s1", "model": "m2"})),
        json!({"event_type": "tool_call", "event_id": "tool", "tool_name": "search", "latency_ms": 1, "trace_id": "t", "span_id": "s3",
               "timestamp": now_ms() - 40_000}),
        call("later", -60, json!({"trace_id": "t", "span_id": "s4", "model": "m4"})),
        call("talk", 30, json!({"conversation_id": "c", "model": "m5"})),
        call("long ago", 40 * 86_400 / 2, json!({"conversation_id": "old", "model": "m6"})),
        feedback("a-parent", json!({"trace_id": "t", "parent_span_id": "s1"})),
        feedback("b-own", json!({"trace_id": "t", "span_id": "s3"})),
        feedback("c-trace", json!({"trace_id": "t", "span_id": "unknown"})),
        feedback("d-conversation", json!({"conversation_id": "c"})),
        feedback("e-nothing", json!({})),
        feedback("f-unknown", json!({"trace_id": "unknown"})),
    ]));
    assert_eq!(
        table(&mut db.client, FOUND),
        [
            json!({"id": "a-parent", "found_by": "span", "event_id": "first", "model": "m1", "route": "/r"}),
            json!({"id": "b-own", "found_by": "span", "event_id": "tool", "model": null, "route": null}),
            json!({"id": "c-trace", "found_by": "trace", "event_id": "second", "model": "m2", "route": null}),
            json!({"id": "d-conversation", "found_by": "conversation", "event_id": "talk", "model": "m5", "route": null}),
            json!({"id": "e-nothing", "found_by": null, "event_id": null, "model": null, "route": null}),
            json!({"id": "f-unknown", "found_by": null, "event_id": null, "model": null, "route": null}),
        ]
    );
}

#[test]
fn feedback_has_its_rating_score_and_scrubbed_comment() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        feedback("a", json!({"type": "rating", "rating": 4, "comment": "mail me at ada@example.com", "outcome": "success", "user_id": "u"})),
        feedback("b", json!({"type": "dislike"})),
        feedback("c", json!({"type": "correction", "comment": "no"})),
    ]));
    let said = "SELECT type, rating, score, outcome, comment, user_id FROM observa.feedback ORDER BY id";
    let found = table(&mut db.client, said);
    assert_eq!(
        found[0],
        json!({"type": "rating", "rating": 4, "score": 0.75, "outcome": "success", "comment": "mail me at [REDACTED:email]", "user_id": "u"})
    );
    assert_eq!((&found[1]["score"], &found[2]["score"]), (&json!(0), &Value::Null));
}

#[test]
fn feedback_is_the_tenants_own_and_finds_nothing_of_anothers() {
    let mut db = Database::ready();
    let [ours, _] = ["ours", "theirs"].map(|name| db.tenant(name));
    let of = |tenant: &str, event: Value| with(event, json!({"tenant_id": tenant}));
    db.ingest(&lines(&[
        of("theirs", call("call", 60, json!({"trace_id": "t", "span_id": "s"}))),
        of("theirs", feedback("theirs", json!({"trace_id": "t"}))),
        of("ours", feedback("ours", json!({"trace_id": "t", "parent_span_id": "s"}))),
    ]));
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{ours}')", db.name));
    let found = table(&mut reader, "SELECT id, event_id FROM observa.feedback");
    assert_eq!(found, [json!({"id": "ours", "event_id": null})]);
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(one::<i64>(&mut nobody, "SELECT count(*) FROM observa.feedback"), 0);
}

#[test]
fn a_time_bounds_the_days_that_feedback_is_read_of() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        feedback("new", json!({})),
        feedback("old", json!({"timestamp": now_ms() - 10 * DAY_MS})),
    ]));
    let plan = db.rows(
        "EXPLAIN (COSTS off) SELECT id, model FROM observa.feedback WHERE created_at > '2026-01-01'::timestamptz AND created_at >= date_trunc('day', now(), 'UTC')",
        &[],
    );
    let scans = plan.iter().filter(|line| line.get::<_, &str>(0).contains("Scan using events_2")).count();
    let removed = plan.iter().any(|line| line.get::<_, &str>(0).contains("Subplans Removed"));
    assert!(removed || scans < 20, "{plan:?}");
    assert_eq!(db.count("observa.feedback WHERE created_at >= now() - interval '1 day'"), 1);
}
