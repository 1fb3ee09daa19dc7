//! A day that nobody has analyzed yet, as each one is after midnight: what a body and the jobs after it read of it is what belongs to the body, whatever
//! else the day has.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

/// What is stored lies longer ago than the upkeep looks for bills back.
const HOUR_MS: i64 = 3_600_000;
const STORED: i64 = 4_000;

/// More than any of the bodies below has to do with, and far less than is stored.
const MOST_READ: i64 = 400;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn stored(n: i64) -> Value {
    let members = json!({
        "timestamp": now_ms() - 7 * HOUR_MS + n, "trace_id": format!("trace {}", n / 4), "conversation_id": format!("conversation {}", n / 10),
        "session_id": format!("session {}", n / 10), "user_id": format!("user {}", n / 20), "response_id": format!("response {n}"),
        "prompt": "How do I reset my password?", "response": "You find it in your settings.",
    });
    with(llm_call(&format!("stored {n}")), members)
}

fn attribute(key: &str, text: &str) -> Value {
    json!({"key": key, "value": {"stringValue": text}})
}

/// A span of a call to a model; its parent is one that another body had.
fn span(id: u64, parent: Option<u64>, response_id: &str) -> String {
    let start = now_ms() - 5_000;
    let mut span = json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "name": format!("call {id}"), "kind": 3, "status": {},
        "startTimeUnixNano": format!("{start}000000"), "endTimeUnixNano": format!("{}000000", start + 900),
        "attributes": [
            attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.provider.name", "openai"), attribute("gen_ai.request.model", "gpt-4o"),
            attribute("gen_ai.response.id", response_id), attribute("session.id", "session 3"),
            json!({"key": "gen_ai.usage.input_tokens", "value": {"intValue": "100"}}),
        ],
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"scope": {"name": "lib"}, "spans": [span]}]}]}).to_string()
}

/// What was said in the call of a span.
fn record(id: u64) -> String {
    json!({"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {"name": "lib"}, "logRecords": [{
        "timeUnixNano": format!("{}000000", now_ms() - 4_000), "traceId": TRACE, "spanId": format!("{id:016x}"), "eventName": "gen_ai.user.message",
        "attributes": [attribute("event.name", "gen_ai.user.message")],
        "body": {"kvlistValue": {"values": [attribute("role", "user"), attribute("content", "Where is my order?")]}},
    }]}]}]})
    .to_string()
}

fn feedback(n: i64) -> String {
    json!({"event_type": "feedback", "event_id": format!("feedback {n}"), "timestamp": now_ms(), "trace_id": format!("trace {n}"), "type": "like"})
        .to_string()
}

/// How many rows of days this connection's statements have fetched, and of which tables.
fn fetched(db: &mut Database) -> (i64, String) {
    let row = db.rows(
        "SELECT coalesce(sum(n), 0)::bigint, coalesce(string_agg(relname || ': ' || n, ', '), '')
           FROM (SELECT relname, coalesce(idx_tup_fetch, 0) + seq_tup_read AS n FROM pg_stat_xact_all_tables
                  WHERE schemaname = 'observa_internal' AND relname ~ '_20\\d{6}$' AND relname !~ '^rollup_deltas') t WHERE n > 0",
        &[],
    );
    (row[0].get(0), row[0].get(1))
}

/// Runs something in a transaction, so that all it reads is counted together, and how much that was.
fn reads(db: &mut Database, run: impl FnOnce(&mut Database)) -> (i64, String) {
    db.run("BEGIN");
    let (before, _) = fetched(db);
    run(db);
    let (after, told) = fetched(db);
    db.run("COMMIT");
    (after - before, told)
}

#[test]
fn a_body_reads_of_a_day_without_statistics_what_belongs_to_it() {
    let mut db = Database::ready();
    db.run(
        "DO $$ DECLARE part text; BEGIN
           FOR part IN SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relispartition AND c.relkind = 'r' LOOP
             EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', part);
           END LOOP; END $$",
    );
    for from in (0..STORED).step_by(1_000) {
        let body: Vec<Value> = (from..from + 1_000).map(stored).collect();
        assert_eq!(db.ingest(&lines(&body))["accepted"], 1_000);
    }
    let _: Value = db.one("SELECT observa.run_maintenance()");
    let bodies = [
        ("a span", span(1, None, "answer 1")),
        ("its child", span(2, Some(1), "answer 2")),
        ("a twin", span(3, Some(2), "answer 2")),
        ("what was said in a span", record(2)),
        ("a repeated span", span(2, Some(1), "answer 2")),
        (
            "an event of a stored trace",
            lines(&[with(stored(17), json!({"event_id": "new", "response_id": "response 18"}))]),
        ),
        ("a repeated event", lines(&[stored(20)])),
        ("feedback", feedback(30)),
    ];
    // More often than a statement is planned anew.
    for round in 0..8 {
        for (what, body) in &bodies {
            let (read, told) = reads(&mut db, |db| {
                let answer = db.ingest(body);
                assert_eq!(answer["rejected"], 0, "{what}: {answer}")
            });
            assert!(read < MOST_READ, "{what}, round {round}: {read} rows, of all: {told}");
            let (read, told) = reads(&mut db, |db| {
                let told: Value = db.one("SELECT observa.run_maintenance()");
                assert_eq!(told["failed"], json!([]), "{told}");
            });
            assert!(read < MOST_READ, "jobs after {what}, round {round}: {read} rows, of all: {told}");
        }
    }
}
