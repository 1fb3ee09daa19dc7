//! What is stored of a person can be had, and can be erased.

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{lines, llm_call, with};
use serde_json::{Value, json};

const PERSON: &str = "jane.roe@acme-corp.com";
const CANARY: &str = "my-own-words";

/// Calls and more of one person, and the same of another.
fn filled() -> Database {
    let mut db = Database::ready();
    let of = |user: &str, id: &str| {
        with(
            llm_call(id),
            json!({"user_id": user, "session_id": format!("session-of-{id}"), "conversation_id": format!("conversation-of-{id}"), "trace_id": format!("t-{id}"),
                   "latency_ms": 9000, "input": CANARY, "output": CANARY, "status": "error", "error_message": CANARY}),
        )
    };
    db.ingest(&lines(&[
        of(PERSON, "a"),
        of(PERSON, "b"),
        of("u-2", "c"),
        json!({"event_type": "tool_call", "user_id": PERSON, "note": CANARY}),
        json!({"event_type": "tool_call", "user_id": "u-2", "note": CANARY}),
    ]));
    db.run("INSERT INTO observa.logs (message, trace_id) VALUES ('my-own-words', 't-a'), ('my-own-words', 't-c')");
    db
}

/// Everything that is stored, as text.
fn stored(db: &mut Database, what: &str) -> i64 {
    let tables = db.rows(
        "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind = 'r'",
        &[],
    );
    let tables: Vec<String> = tables.iter().map(|row| row.get(0)).collect();
    tables.iter().map(|table| db.count(&format!("{table} t WHERE t::text LIKE '%{what}%'"))).sum()
}

#[test]
fn a_forgotten_person_is_nowhere_and_the_sums_stay() {
    let mut db = filled();
    let pseudonym: String = db.one("SELECT user_id FROM observa.events WHERE event_id = 'a'");
    assert!(pseudonym.starts_with("email:"), "{pseudonym}");
    let sums = "SELECT json_build_array(count(*), sum(total_tokens), sum(latency_ms), count(trace_id))::jsonb FROM observa.events";
    let before: Value = db.one(sums);
    let touched: Value = db.one(&format!("SELECT observa.forget_user('{PERSON}')"));
    assert_eq!(
        (&touched["events"], &touched["logs"], &touched["rejected_events"]),
        (&json!(2), &json!(1), &json!(1)),
        "{touched}"
    );
    assert_eq!(db.one::<Value>(sums), before);
    assert_eq!(db.count("observa.events WHERE input IS NULL AND attributes IS NULL AND session_id IS NULL AND user_id IS NULL"), 2);
    // But for the record of the act, which says who is forgotten by the stored id.
    assert_eq!(
        db.count(&format!(
            "observa.audit_log WHERE action = 'forget_user' AND resource = 'user {pseudonym}'"
        )),
        1
    );
    assert_eq!(stored(&mut db, &pseudonym), 1);
    for id in ["session-of-a", "conversation-of-b"] {
        assert_eq!(stored(&mut db, id), 0, "{id}");
    }
    // The other person's are untouched.
    let rest: i64 = stored(&mut db, CANARY);
    let again: Value = db.one(&format!("SELECT observa.forget_user('{PERSON}')"));
    assert_eq!((&again["events"], stored(&mut db, CANARY)), (&json!(0), rest));
    db.run("SELECT observa.forget_user('u-2')");
    assert_eq!(stored(&mut db, CANARY), 0);
}

#[test]
fn an_export_has_all_of_a_person_and_nothing_of_others() {
    let mut db = filled();
    let export: Value = db.one(&format!("SELECT observa.export_user('{PERSON}')"));
    let count = |what: &str| export[what].as_array().unwrap().len();
    assert_eq!((count("events"), count("logs")), (2, 1), "{export}");
    assert!(count("signals") >= 2);
    assert_eq!(export["events"][0]["input"], CANARY);
    assert!(!export.to_string().contains("u-2") && !export.to_string().contains("t-c"));
    let nobody: Value = db.one("SELECT observa.export_user('nobody')");
    assert_eq!(nobody, json!({"events": [], "logs": [], "signals": []}));
}

#[test]
fn only_who_administers_the_tenant_asks_for_a_person() {
    let mut db = filled();
    let other = db.tenant("other").to_string();
    let mut admin = db.connect_as("admin", "observa_admin, observa_read");
    let login: String = one(&mut admin, "SELECT session_user::text");
    assert_eq!(error(&mut admin, "SELECT observa.export_user('u-2')").code().code(), "42501");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{other}')"));
    assert_eq!(one::<Value>(&mut admin, "SELECT observa.export_user('u-2') -> 'events'"), json!([]));
    assert_eq!(one::<Value>(&mut admin, "SELECT observa.forget_user('u-2') -> 'events'"), json!(0));
    assert_eq!(db.count("observa.events WHERE user_id = 'u-2'"), 1);
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest");
    assert_eq!(error(&mut reader, "SELECT observa.forget_user('u-2')").code().code(), "42501");
}
