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

/// Acts for a tenant from now on, and its project.
fn act_for(db: &mut Database, tenant: Uuid, project: &str) {
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{tenant}/{project}/iqa/'"));
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
        json!({"event_type": "tool_call", "userId": format!("{user}@example.org"), "attributes": {"tool_call": {"tool_name": "t",
               "result_status": "success", "latency_ms": "slow", "note": "to bob@example.org"}}})
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
fn a_pseudonym_is_the_same_after_a_replay() {
    let mut db = Database::ready();
    let event = |event_type: &str| json!({"event_type": event_type, "final_output": "o", "tool_name": "t", "session_id": "ada@example.org", "user_id": KEY});
    db.ingest(&event("output").to_string());
    let bad = with(event("tool_call"), json!({"latency_ms": "slow"}));
    // A batch whose requests stay bad is cleaned once more at each replay.
    assert_eq!(db.ingest(&json!({"requests": [bad, bad]}).to_string())["rejected"], 2);
    let body: String = db.one("SELECT body FROM observa.rejected_events LIMIT 1");
    let sql =
        "UPDATE observa_internal.rejected_events SET body = '{\"requests\": [' || $1 || ',' || $1 || ']}'";
    db.client.execute(sql, &[&body]).unwrap();
    assert_eq!(replay(&mut db)["rejected"], 4);
    mend(&mut db, "\"slow\"", "5");
    assert_eq!(replay(&mut db)["rejected"], 0);
    let users = db.table("SELECT DISTINCT user_id, session_id FROM observa.events");
    assert_eq!(users.len(), 1, "{users:?}");
    assert!(!users[0]["user_id"].as_str().unwrap().starts_with('['), "{users:?}");
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

/// Letters of so many bytes each, of which the first `bad` stay bad.
fn letters(db: &mut Database, tenant: &str, count: usize, bad: usize) {
    for n in 0..count {
        let latency = if n < bad { "never" } else { "slow" };
        let line = json!({"model": "m", "tenant_id": tenant, "event_id": format!("{tenant}{n}"), "latency_ms": latency,
                          "input": "x".repeat(400)});
        assert_eq!(db.ingest(&line.to_string())["rejected"], 1);
    }
}

#[test]
fn a_round_takes_a_batchs_bytes_and_says_what_remains() {
    let mut db = Database::ready();
    letters(&mut db, "default", 5, 0);
    mend(&mut db, "\"slow\"", "5");
    db.run("SET observa.max_batch_bytes = 1024");
    let rounds: Vec<(Value, Value)> = (0..4)
        .map(|_| replay(&mut db))
        .map(|answer| (answer["accepted"].clone(), answer["remaining"].clone()))
        .collect();
    assert_eq!(json!(rounds), json!([[2, 3], [2, 1], [1, 0], [0, 0]]));
    // One that is larger than a batch is taken alone.
    db.run("RESET observa.max_batch_bytes");
    db.ingest(&json!({"model": "m", "latency_ms": "slow", "input": "x".repeat(3000)}).to_string());
    letters(&mut db, "default", 1, 1);
    mend(&mut db, "\"slow\"", "5");
    db.run("SET observa.max_batch_bytes = 1024");
    let answer = replay(&mut db);
    assert_eq!((&answer["accepted"], &answer["remaining"]), (&json!(1), &json!(1)), "{answer}");
}

#[test]
fn letters_that_stay_bad_do_not_stand_before_others() {
    let mut db = Database::ready();
    db.tenant("acme");
    letters(&mut db, "default", 6, 4);
    letters(&mut db, "acme", 4, 2);
    mend(&mut db, "\"slow\"", "5");
    db.run("SET observa.max_batch_bytes = 1024");
    let mut accepted = 0;
    for _ in 0..8 {
        let answer = replay(&mut db);
        assert!(answer["rejected"].as_i64().unwrap() + answer["accepted"].as_i64().unwrap() <= 3, "{answer}");
        accepted += answer["accepted"].as_i64().unwrap();
    }
    assert_eq!(accepted, 4);
    assert_eq!(replay(&mut db)["remaining"], 6);
}

#[test]
fn a_letter_of_a_tenant_that_was_not_there_is_stored_once_it_is() {
    let mut db = Database::ready();
    db.ingest(&with(llm_call("e"), json!({"tenant_id": "acme", "project_id": "shop"})).to_string());
    let own: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    assert_eq!(
        db.row("SELECT code, tenant_id FROM observa.rejected_events"),
        json!({"code": "tenant_mismatch", "tenant_id": own.to_string()})
    );
    assert_eq!(replay(&mut db)["rejected"], 1, "it is not there yet");
    let acme = db.tenant("acme");
    let shop: Uuid = db.one(&format!("SELECT observa.create_project('{acme}', 'shop')"));
    // The letter is another tenant's, who must not write there.
    act_for(&mut db, own, "");
    let answer = replay(&mut db);
    assert_eq!(
        (&answer["accepted"], &answer["errors"][0]["code"]),
        (&json!(0), &json!("tenant_mismatch")),
        "{answer}"
    );
    db.run("RESET observa.acting");
    let answer = replay(&mut db);
    assert_eq!((&answer["accepted"], &answer["remaining"]), (&json!(1), &json!(0)), "{answer}");
    assert_eq!(
        db.row("SELECT tenant_id, project_id FROM observa.events"),
        json!({"tenant_id": acme.to_string(), "project_id": shop.to_string()})
    );
}

#[test]
fn a_tenants_client_writes_nowhere_else_by_a_superusers_replay() {
    let mut db = Database::ready();
    let acme = db.tenant("acme");
    let victim = db.tenant("victim");
    let shop: Uuid = db.one(&format!("SELECT observa.create_project('{acme}', 'shop')"));
    db.run(&format!("SELECT observa.create_project('{acme}', 'bank')"));
    act_for(&mut db, acme, &shop.to_string());
    let line = |id: &str, members: Value| with(llm_call(id), members).to_string();
    let body = [
        line("1", json!({"tenant_id": "victim"})),
        line("2", json!({"tenant_id": "victim", "latency_ms": "slow"})),
        line("3", json!({"project_id": "bank", "latency_ms": "slow"})),
    ];
    assert_eq!(db.ingest(&body.join("\n"))["rejected"], 3);
    db.run("RESET observa.acting");
    mend(&mut db, "\"slow\"", "5");
    let answer = replay(&mut db);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(2)), "{answer}");
    assert_eq!(db.count(&format!("observa.events WHERE tenant_id = '{victim}'")), 0);
    assert_eq!(db.count(&format!("observa.events WHERE project_id = '{shop}'")), 1);
    assert_eq!(db.count(&format!("observa.rejected_events WHERE tenant_id = '{acme}'")), 2);
}

#[test]
fn an_event_without_a_time_has_its_letters() {
    let mut db = Database::ready();
    let bad = json!({"model": "m", "latency_ms": "slow"});
    let span = json!({"traceId": format!("{:032x}", 1), "spanId": "no id", "name": "s"});
    let request = with(bad.clone(), json!({"request_id": "of a batch"}));
    let batch = json!({"requests": [request], "timestamp": now_ms() - HOUR_MS});
    db.ingest(&bad.to_string());
    db.ingest(&batch.to_string());
    db.ingest(&json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string());
    db.run("UPDATE observa_internal.rejected_events SET created_at = created_at - interval '3 hours'");
    let came: Vec<String> = ["model", "name"]
        .map(|key| db.one(&format!("SELECT created_at::text FROM observa.rejected_events WHERE body LIKE '%{key}%' AND body NOT LIKE '%requests%' ORDER BY line LIMIT 1")))
        .to_vec();
    mend(&mut db, "\"slow\"", "5");
    mend(&mut db, "no id", "0000000000000001");
    let answer = replay(&mut db);
    assert_eq!(answer["accepted"], 3, "{answer}");
    let times: Vec<String> = db
        .rows("SELECT ts::text FROM observa.events ORDER BY ts", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(times[..2], came);
    assert_eq!(
        db.count("observa.events WHERE ts BETWEEN now() - interval '61 min' AND now() - interval '59 min'"),
        1
    );
    // A letter that is older than events may be is none that can be stored.
    db.ingest(&bad.to_string());
    mend(&mut db, "\"slow\"", "5");
    db.run("UPDATE observa_internal.rejected_events SET created_at = created_at - interval '40 days'");
    let answer = replay(&mut db);
    assert_eq!(answer["errors"][0]["code"], "timestamp_out_of_window", "{answer}");
}

#[test]
fn a_line_that_names_no_project_stays_in_its_letters() {
    let mut db = Database::ready();
    let acme = db.tenant("acme");
    let shop: Uuid = db.one(&format!("SELECT observa.create_project('{acme}', 'shop')"));
    let bad = json!({"model": "m", "latency_ms": "slow"});
    act_for(&mut db, acme, &shop.to_string());
    db.ingest(&with(bad.clone(), json!({"event_id": "bound"})).to_string());
    db.run("RESET observa.acting");
    // A superuser's own line says where it belongs.
    db.ingest(&with(bad, json!({"event_id": "free", "tenant_id": "acme"})).to_string());
    let moved = "UPDATE observa_internal.rejected_events SET project_id = $1";
    db.client.execute(moved, &[&shop]).unwrap();
    mend(&mut db, "\"slow\"", "5");
    assert_eq!(replay(&mut db)["accepted"], 2);
    assert_eq!(db.count(&format!("observa.events WHERE project_id = '{shop}'")), 2);
}
