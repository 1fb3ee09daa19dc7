//! What is stored of a person can be had, and can be erased.

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{lines, llm_call, now_ms, with};
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
fn a_forgotten_persons_conversation_waits_for_no_job() {
    let mut db = filled();
    // Folded, and not looked at yet: somebody else has the job.
    let mut other = db.connect();
    other.batch_execute("BEGIN; SELECT FROM observa_internal.jobs WHERE job = 'recheck' FOR UPDATE").unwrap();
    db.run("SELECT observa.run_maintenance()");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(db.count("observa_internal.detection_candidates WHERE subject LIKE 'conversation-of-%'"), 3);
    db.run(&format!("SELECT observa.forget_user('{PERSON}')"));
    assert_eq!([stored(&mut db, "conversation-of-a"), stored(&mut db, "conversation-of-b")], [0, 0]);
    assert_eq!(db.count("observa_internal.detection_candidates WHERE subject = 'conversation-of-c'"), 1);
}

#[test]
fn an_export_has_all_of_a_person_and_nothing_of_others() {
    let mut db = filled();
    let third = json!({"user_id": "u-3", "status": "error", "error_message": "another's words"});
    db.ingest(&lines(&[with(llm_call("e"), third)]));
    let export: Value = db.one(&format!("SELECT observa.export_user('{PERSON}')"));
    let count = |what: &str| export[what].as_array().unwrap().len();
    assert_eq!((count("events"), count("logs")), (2, 1), "{export}");
    assert!(count("signals") >= 2);
    assert_eq!(export["events"][0]["input"], CANARY);
    assert!(!export.to_string().contains("u-2") && !export.to_string().contains("t-c"), "{export}");
    let quotes = |alert: &Value| alert["description"] == CANARY;
    assert!(export["alerts"].as_array().unwrap().iter().any(quotes), "{export}");
    // The other's error raised no alert of its own, and is quoted by none of theirs.
    let of_other: Value = db.one("SELECT observa.export_user('u-3')");
    assert_eq!((of_other["signals"].as_array().map(Vec::len), &of_other["alerts"]), (Some(1), &json!([])));
    assert_eq!(export["rejected_events"].as_array().unwrap().len(), 1, "{export}");
    let nobody: Value = db.one("SELECT observa.export_user('nobody')");
    let nothing = json!({"events": [], "signals": [], "alerts": [], "logs": [], "span_contents": [],
                         "analysis_jobs": [], "analysis_results": [], "embeddings": [], "rejected_events": []});
    assert_eq!(nobody, nothing);
    // Row by row it is the same.
    let rows = "FROM observa.export_user_rows('jane.roe@acme-corp.com') row GROUP BY row ->> 'table'";
    for row in db.table(&format!("SELECT row ->> 'table' AS name, json_agg(row -> 'row') AS rows {rows}")) {
        assert_eq!(row["rows"], export[row["name"].as_str().unwrap()]);
    }
    assert_eq!(db.count("observa.export_user_rows('jane.roe@acme-corp.com') LIMIT 1"), export_size(&export));
    assert_eq!(db.error("SELECT observa.export_user(NULL)").code().code(), "22023");
}

fn export_size(export: &Value) -> i64 {
    export.as_object().unwrap().values().map(|rows| rows.as_array().unwrap().len() as i64).sum()
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
    let ours: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'");
    for asked in ["export_user", "export_user_rows", "forget_user"] {
        let sql = format!("SELECT observa.{asked}('u-2', '{ours}')");
        assert_eq!(error(&mut admin, &sql).code().code(), "42501", "{asked}");
    }
    assert_eq!(db.count("observa.events WHERE user_id = 'u-2'"), 1);
    // A superuser may name any.
    db.ingest(&lines(&[with(llm_call("d"), json!({"user_id": "u-2", "tenant_id": "other"}))]));
    assert_eq!(db.count(&format!("observa.export_user_rows('u-2', '{other}')")), 1);
    assert_eq!(
        db.one::<Value>(&format!("SELECT observa.forget_user('u-2', '{other}') -> 'events'")),
        json!(1)
    );
    assert_eq!(db.count("observa.events WHERE user_id = 'u-2'"), 1);
    let nobodys = format!("SELECT observa.forget_user('u-2', '{}')", uuid::Uuid::nil());
    assert_eq!(db.error(&nobodys).code().code(), "22023");
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest");
    assert_eq!(error(&mut reader, "SELECT observa.forget_user('u-2')").code().code(), "42501");
}

fn default_tenant(db: &mut Database) -> uuid::Uuid {
    db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'")
}

fn count(of: &Value, table: &str) -> usize {
    of[table].as_array().map_or(0, Vec::len)
}

#[test]
fn a_person_is_found_under_whatever_pseudonym_was_stored() {
    let mut db = Database::ready();
    let tenant = default_tenant(&mut db);
    db.run(&format!("SELECT observa.create_project('{tenant}', 'search')"));
    let default: uuid::Uuid =
        db.one("SELECT project_id FROM observa_internal.projects WHERE name = 'default'");
    db.run(&format!("SELECT observa.scrub_emails('{default}', false)"));
    db.run(&format!("SELECT observa.add_scrub_pattern('{tenant}', 'badge', 'BDG-[0-9]+')"));
    let of = |id: &str, user: &str, project: &str| {
        with(llm_call(id), json!({"user_id": user, "project_id": project, "input": CANARY}))
    };
    db.ingest(&lines(&[of("a", PERSON, "default"), of("b", PERSON, "search"), of("c", "BDG-77", "default")]));
    db.run(&format!("SELECT observa.remove_scrub_pattern('{tenant}', 'badge')"));
    db.ingest(&lines(&[of("d", "BDG-77", "default")]));
    let users = db.rows("SELECT user_id FROM observa.events ORDER BY event_id", &[]);
    let users: Vec<String> = users.iter().map(|row| row.get(0)).collect();
    assert_eq!((users[0].as_str(), users[3].as_str()), (PERSON, "BDG-77"));
    assert!(users[1].starts_with("email:") && users[2].starts_with("badge:"), "{users:?}");
    for person in [PERSON, "BDG-77"] {
        let export: Value = db.one(&format!("SELECT observa.export_user('{person}')"));
        assert_eq!(count(&export, "events"), 2, "{person}");
        let touched: Value = db.one(&format!("SELECT observa.forget_user('{person}')"));
        assert_eq!(touched["events"], 2, "{person}");
        assert_eq!(stored(&mut db, person), 0, "{person}, in the audit log as well");
    }
    assert_eq!((stored(&mut db, CANARY), db.count("observa.events WHERE user_id IS NULL")), (0, 4));
}

#[test]
fn the_audit_log_names_a_forgotten_person_by_a_pseudonym() {
    let mut db = filled();
    let pseudonym: String = db.one("SELECT user_id FROM observa.events WHERE event_id = 'a'");
    db.run(&format!("SELECT observa.forget_user('{PERSON}'), observa.export_user('u-2')"));
    db.run("SELECT observa.export_user_rows('u-2') LIMIT 1");
    let seen =
        db.table("SELECT action, resource FROM observa.audit_log WHERE resource LIKE 'user %' ORDER BY id");
    assert_eq!(seen[0]["resource"], format!("user {pseudonym}"));
    assert_eq!((&seen[1]["action"], &seen[2]["action"]), (&json!("export_user"), &json!("export_user")));
    let of_other = seen[1]["resource"].as_str().unwrap();
    assert!(of_other.starts_with("user user:") && seen[2]["resource"] == of_other, "{seen:?}");
    assert_eq!(db.count("observa.audit_log WHERE resource LIKE '%u-2%'"), 0);
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn span(id: u64, members: Value) -> String {
    let start = (now_ms() - 5_000) / 1_000 * 1_000;
    let span = json!({
        "traceId": TRACE, "spanId": format!("{id:016x}"), "name": "chat", "kind": 3,
        "startTimeUnixNano": format!("{start}000000"), "endTimeUnixNano": format!("{start}900000"),
    });
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [with(span, members)]}]}]}).to_string()
}

#[test]
fn what_an_error_said_is_gone_also_where_the_trace_named_the_person_later() {
    let mut db = Database::ready();
    let chat = json!({"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}});
    let model = json!({"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}});
    db.ingest(&span(1, json!({"status": {"code": 2, "message": CANARY}, "attributes": [chat, model]})));
    let user = json!({"key": "user.id", "value": {"stringValue": "u-1"}});
    db.ingest(&span(2, json!({"attributes": [user]})));
    assert_eq!(db.count("observa.events WHERE user_id = 'u-1'"), 2);
    assert_eq!(
        db.count("observa.signals WHERE user_id IS NULL AND details ->> 'error_message' IS NOT NULL"),
        1
    );
    let export: Value = db.one("SELECT observa.export_user('u-1')");
    assert_eq!((count(&export, "signals"), count(&export, "alerts")), (1, 1), "{export}");
    let touched: Value = db.one("SELECT observa.forget_user('u-1')");
    assert_eq!((&touched["signals"], &touched["alerts"]), (&json!(1), &json!(1)), "{touched}");
    assert_eq!(stored(&mut db, CANARY), 0);
}

#[test]
fn dead_letters_that_name_a_person_go_however_they_spell_it_and_others_stay() {
    let mut db = Database::ready();
    let body = [
        r#"{"event_type":"tool_call","note":"my-own-words","user_id":4711001}"#,
        r#"{"event_type":"tool_call","note":"my-own-words","user_id":"jos\u00e9-9"}"#,
        r#"{"event_type":"tool_call","note":"my-own-words","attributes":{"userId":"u\/slash"}}"#,
        r#"{"event_type":"tool_call","note":"my-own-words","user_id":"u-cut"#,
        r#"{"event_type":"tool_call","note":"tool_call","user_id":"u-2"}"#,
    ];
    db.ingest(&body.join("\n"));
    assert_eq!(db.count("observa.rejected_events"), 5);
    for person in ["4711001", "josé-9", "u/slash", "u-cut"] {
        let export: Value = db.one(&format!("SELECT observa.export_user('{person}')"));
        assert_eq!(count(&export, "rejected_events"), 1, "{person}");
        let touched: Value = db.one(&format!("SELECT observa.forget_user('{person}')"));
        assert_eq!(touched["rejected_events"], 1, "{person}");
    }
    assert_eq!(stored(&mut db, CANARY), 0);
    // A word that is in everybody's.
    db.run("SELECT observa.forget_user('tool_call')");
    assert_eq!(db.count("observa.rejected_events"), 1);
}

/// Of one person: a session and a trace of their own, and a session that they share.
fn shared() -> Database {
    let mut db = Database::ready();
    let tenant = default_tenant(&mut db);
    db.run(&format!("SELECT observa.create_project('{tenant}', 'search')"));
    let of =
        |id: &str, members: Value| with(with(llm_call(id), json!({"input": format!("says {id}")})), members);
    db.ingest(&lines(&[
        of(
            "own",
            json!({"user_id": "u-1", "session_id": "s-1", "trace_id": "t-1", "conversation_id": "c-1"}),
        ),
        of("nameless", json!({"session_id": "s-1", "trace_id": "t-9"})),
        of("led-to", json!({"trace_id": "t-9", "conversation_id": "c-9"})),
        of("talked", json!({"conversation_id": "c-1"})),
        of("beside", json!({"user_id": "u-1", "session_id": "s-both", "trace_id": "t-both", "span_id": "1"})),
        of("other", json!({"user_id": "u-2", "session_id": "s-both", "trace_id": "t-both", "span_id": "2"})),
        of("nobodys", json!({"session_id": "s-both", "trace_id": "t-both", "span_id": "3"})),
        of("elsewhere", json!({"session_id": "s-1", "project_id": "search"})),
        json!({"event_type": "tool_call", "session_id": "s-1", "note": "says letter"}),
        json!({"event_type": "tool_call", "session_id": "s-both", "note": "says letter-of-both"}),
    ]));
    db.run(
        r#"INSERT INTO observa.logs (message, trace_id, span_id, session_id, metadata) VALUES
           ('says session', NULL, NULL, 's-1', NULL), ('says led-to', 't-9', NULL, NULL, NULL), ('says span', 't-both', '1', NULL, NULL),
           ('says user.id', NULL, NULL, NULL, '{"user.id": "u-1"}'), ('says enduser.id', NULL, NULL, NULL, '{"enduser.id": "u-1"}'),
           ('says user', NULL, NULL, NULL, '{"user": {"id": "u-1"}}'), ('says userId', 't-both', NULL, NULL, '{"userId": "u-1"}'),
           ('says empty', 't-1', NULL, NULL, '{"user.id": ""}'), ('says replaced', 't-1', NULL, NULL, '{"user.id": "[REDACTED:email]"}'),
           ('kept other', 't-1', NULL, 's-1', '{"user.id": "u-2"}'), ('kept both', 't-both', '2', 's-both', NULL),
           ('kept word', NULL, NULL, NULL, '{"note": "u-1"}')"#,
    );
    db
}

#[test]
fn what_names_nobody_goes_where_it_is_theirs_alone_and_what_others_share_stays() {
    let mut db = shared();
    let export: Value = db.one("SELECT observa.export_user('u-1')");
    let ids: Vec<&str> = export["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["event_id"].as_str().unwrap())
        .collect();
    for id in ["own", "nameless", "led-to", "talked", "beside"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    assert_eq!((ids.len(), count(&export, "logs"), count(&export, "rejected_events")), (5, 9, 1), "{export}");
    assert!(!export.to_string().contains("kept") && !export.to_string().contains("u-2"));
    let touched: Value = db.one("SELECT observa.forget_user('u-1')");
    assert_eq!(
        (&touched["events"], &touched["logs"], &touched["rejected_events"]),
        (&json!(5), &json!(9), &json!(1))
    );
    let left = db.rows("SELECT input FROM observa.events WHERE input IS NOT NULL ORDER BY event_id", &[]);
    let left: Vec<String> = left.iter().map(|row| row.get(0)).collect();
    assert_eq!(left, ["says elsewhere", "says nobodys", "says other"]);
    assert_eq!(db.count("observa.events WHERE session_id = 's-both'"), 2);
    assert_eq!(db.count("observa.logs WHERE message LIKE 'says%'"), 0);
    assert_eq!(db.count("observa.logs WHERE message LIKE 'kept%'"), 3);
    assert_eq!(stored(&mut db, "says letter-of-both"), 1);
    let again: Value = db.one("SELECT observa.forget_user('u-1')");
    assert!(again.as_object().unwrap().values().all(|touched| touched == 0), "{again}");
}

#[test]
fn what_log_records_said_of_their_calls_is_exported_and_erased() {
    let mut db = Database::ready();
    let user = json!({"key": "user.id", "value": {"stringValue": "u-1"}});
    db.ingest(&span(1, json!({"attributes": [user]})));
    let record = json!({"traceId": TRACE, "spanId": format!("{:016x}", 1), "eventName": "gen_ai.user.message",
        "timeUnixNano": format!("{}000000", now_ms() - 4_000),
        "body": {"kvlistValue": {"values": [{"key": "content", "value": {"stringValue": CANARY}}]}}});
    db.ingest(&json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).to_string());
    let export: Value = db.one("SELECT observa.export_user('u-1')");
    assert_eq!(count(&export, "span_contents"), 1, "{export}");
    let touched: Value = db.one("SELECT observa.forget_user('u-1')");
    assert_eq!(touched["span_contents"], 1);
    assert_eq!(stored(&mut db, CANARY), 0);
}

#[test]
fn however_much_there_is_of_a_person_each_row_is_told_once_and_erased() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        with(llm_call("a"), json!({"user_id": "u-1"})),
        with(llm_call("b"), json!({"user_id": "u-2"})),
    ]));
    // Some of them at the same time.
    db.run(
        "INSERT INTO observa_internal.events
         SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', e.event_id || n, 'ts', e.ts - n / 7 * interval '1 ms'))).*
           FROM observa_internal.events e, generate_series(1, 10500) n",
    );
    let told = "SELECT json_build_array(count(*), count(DISTINCT row #>> '{row,event_id}'))::jsonb FROM observa.export_user_rows('u-1') row";
    assert_eq!(db.one::<Value>(told), json!([10_501, 10_501]));
    assert_eq!(db.one::<Value>("SELECT observa.forget_user('u-1') -> 'events'"), json!(10_501));
    assert_eq!(db.count("observa.events WHERE user_id = 'u-2'"), 10_501);
}

/// Whoever changes many events locks them in this order: two who do never wait for each other.
#[test]
fn events_are_erased_in_the_order_of_their_keys() {
    let mut db = Database::ready();
    let of = |id: &str, ago: i64| {
        with(llm_call(id), json!({"user_id": "u-1", "timestamp": now_ms() - ago, "conversation_id": "c"}))
    };
    db.ingest(&lines(&[of("later", 1_000)]));
    db.ingest(&lines(&[of("earlier", 2_000)]));
    let lock =
        |id: &str| format!("SELECT FROM observa_internal.events WHERE event_id = '{id}' FOR UPDATE NOWAIT");
    let (mut client, mut watch) = (db.connect(), db.connect());
    db.run(&format!("BEGIN; {}", lock("earlier")));
    std::thread::scope(|scope| {
        let forgetting =
            scope.spawn(move || one::<Value>(&mut client, "SELECT observa.forget_user('u-1') -> 'events'"));
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while one::<i64>(&mut watch, waits) == 0 {
            assert!(!forgetting.is_finished(), "it waits for the first of them");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        db.run(&format!("{}; COMMIT", lock("later")));
        assert_eq!(forgetting.join().unwrap(), json!(2));
    });
}

/// It is stored deeper than it came.
#[test]
fn the_deepest_event_of_a_person_is_exported() {
    let mut db = Database::ready();
    let deep = format!("{}1{}", r#"{"a":"#.repeat(127), "}".repeat(127));
    let line = format!(r#"{{"event_id":"e","model":"m","user_id":"u-1","deep":{deep}}}"#);
    assert_eq!(db.ingest(&line)["accepted"], 1);
    let depth: i64 = db.one("SELECT length(regexp_replace(observa.export_user('u-1') #>> '{events,0,attributes,deep}', '[^{]', '', 'g'))::bigint");
    assert_eq!(depth, 127);
    assert_eq!(db.count("observa.export_user_rows('u-1')"), 1);
}
