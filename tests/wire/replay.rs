//! A replay of dead letters stores what ingest would have stored: for the same person, place and time, in rounds of bounded size.

use observa_tests::Database;
use observa_tests::database::one_with;
use observa_tests::event::{DAY_MS, HOUR_MS, llm_call, now_ms, with};
use serde_json::{Value, json};
use uuid::Uuid;

/// Shaped like an OpenAI key; nobody's.
const KEY: &str = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dEf6hIj9kLm2nOp5qRs8tT3BlbkFJUv1wXy4zAb3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z";

#[track_caller]
fn replay(db: &mut Database) -> Value {
    db.one("SELECT observa.replay_rejected()")
}

/// Replaces a text in all letters, as if the client had been mended.
fn mend(db: &mut Database, wrong: &str, right: &str) {
    let sql = "UPDATE observa_internal.rejected_events SET body = replace(body, $1, $2)";
    db.client.execute(sql, &[&wrong, &right]).unwrap();
}

fn user_of(db: &mut Database, event_type: &str) -> String {
    let sql = "SELECT user_id FROM observa.events WHERE event_type = $1";
    one_with(&mut db.client, sql, &[&event_type])
}

#[test]
fn a_dead_letter_is_scrubbed_by_the_patterns_of_its_home() {
    let mut db = Database::ready();
    let own: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let acme = db.tenant("acme");
    let projects = "SELECT observa.scrub_emails(id, false) FROM observa.projects";
    db.run(&format!(
        r"SELECT observa.add_scrub_pattern('{acme}', 'badge', 'BADGE-\d+');
          SELECT observa.add_scrub_pattern('{own}', 'room', 'ROOM-\d+');
          {projects}"
    ));
    let line =
        |members: Value| with(json!({"model": 5, "note": "BADGE-77, ROOM-12 of ada@example.org"}), members);
    let body = [
        line(json!({"tenant_id": "acme"})).to_string(),
        line(json!({})).to_string(),
        line(json!({"tenant_id": "nobody"})).to_string(),
        "broken BADGE-77, ROOM-12 of ada@example.org".to_owned(),
    ];
    assert_eq!(db.ingest(&body.join("\n"))["rejected"], 4);
    let bodies = db.table("SELECT body FROM observa.rejected_events ORDER BY line");
    for (at, body) in bodies.iter().enumerate() {
        let body = body["body"].as_str().unwrap();
        let acmes = at == 0;
        assert_eq!(body.contains("BADGE-77"), !acmes, "{body}");
        assert_eq!(body.contains("[REDACTED:badge]"), acmes, "{body}");
        assert_eq!(body.contains("ROOM-12"), acmes, "{body}");
        assert_eq!(body.contains("[REDACTED:room]"), !acmes, "{body}");
        assert!(!body.contains("ada@"), "{body}");
    }
}

#[test]
fn a_replay_keeps_people_and_events_apart() {
    let mut db = Database::ready();
    let bad = |user: &str| {
        json!({"model": "m", "latency_ms": "slow", "user_id": format!("{user}@example.org"),
               "request_id": format!("{user}-1@example.org"), "prompt": "mail bob@example.org"})
    };
    let nested = |user: &str| {
        json!({"event_type": "tool_call", "attributes": {"tool_call": {"tool_name": "t", "result_status": "success",
               "latency_ms": "slow", "userId": format!("{user}@example.org"), "note": "to bob@example.org"}}})
    };
    let batch = json!({"requests": [bad("carol"), bad("dave")], "timestamp": now_ms() - HOUR_MS});
    let body =
        [bad("alice"), bad("bob"), nested("alice"), nested("bob")].map(|line| line.to_string()).join("\n");
    assert_eq!(
        (&db.ingest(&body)["rejected"], &db.ingest(&batch.to_string())["rejected"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(db.count("observa.rejected_events WHERE body LIKE '%@example.org%'"), 0);
    // What alice has when nothing is wrong with her event.
    db.ingest(
        &json!({"event_type": "output", "final_output": "o", "user_id": "alice@example.org"}).to_string(),
    );
    let alice = user_of(&mut db, "output");
    assert!(alice.starts_with("email:"), "{alice}");
    mend(&mut db, "\"slow\"", "5");
    let answer = replay(&mut db);
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(6), &json!(0)), "{answer}");
    let count = |db: &mut Database, of: &str| {
        db.one::<i64>(&format!("SELECT count(DISTINCT {of}) FROM observa.events"))
    };
    assert_eq!((count(&mut db, "user_id"), count(&mut db, "event_id")), (4, 7));
    assert_eq!(db.count(&format!("observa.events WHERE user_id = '{alice}'")), 3);
    assert_eq!(db.count("observa.events WHERE input = 'mail [REDACTED:email]'"), 4);
}

#[test]
fn people_stay_apart_in_letters_that_no_parser_reads() {
    let mut db = Database::ready();
    let broken = |user: &str| format!(r#"{{"model":"m","user_id":"{user}@example.org","input":"{KEY}""#);
    db.ingest(&[broken("alice"), broken("bob")].join("\n"));
    assert_eq!(
        db.count("observa.rejected_events WHERE body LIKE '%@example.org%' OR body LIKE '%sk-proj%'"),
        0
    );
    db.run("UPDATE observa_internal.rejected_events SET body = body || '}'");
    assert_eq!(replay(&mut db)["accepted"], 2);
    db.ingest(
        &json!({"event_type": "output", "final_output": "o", "user_id": "alice@example.org"}).to_string(),
    );
    let alice = user_of(&mut db, "output");
    assert_eq!(db.one::<i64>("SELECT count(DISTINCT user_id) FROM observa.events"), 2);
    assert_eq!(db.count(&format!("observa.events WHERE user_id = '{alice}'")), 2);
}

#[test]
fn people_stay_apart_in_rejected_spans() {
    let mut db = Database::ready();
    let nanoseconds = format!("{}000000", now_ms() - 60 * DAY_MS);
    let span = |id: u64, user: &str| {
        json!({"traceId": format!("{id:032x}"), "spanId": format!("{id:016x}"), "name": "chat",
               "startTimeUnixNano": nanoseconds, "endTimeUnixNano": nanoseconds,
               "attributes": [{"key": "enduser.id", "value": {"stringValue": format!("{user}@example.org")}}]})
    };
    let spans = [span(1, "alice"), span(2, "bob")];
    let answer = db.ingest(&json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string());
    assert_eq!(answer["rejected"], 2, "{answer}");
    assert_eq!(db.count("observa.rejected_events WHERE body LIKE '%@example.org%'"), 0);
    db.run("SET observa.ingest_window_past = '90 d'");
    let answer = replay(&mut db);
    assert_eq!(answer["accepted"], 2, "{answer}");
    let people = "SELECT count(DISTINCT user_id) FROM observa.events WHERE user_id LIKE 'email:%'";
    assert_eq!(db.one::<i64>(people), 2);
}
