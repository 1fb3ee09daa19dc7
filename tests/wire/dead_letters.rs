//! What could not be stored is kept, scrubbed, and can be tried again.

use observa_tests::Database;
use observa_tests::database::one_with;
use observa_tests::event::{HOUR_MS, llm_call, now_ms};
use serde_json::{Value, json};
use uuid::Uuid;

/// Shaped like an OpenAI key; nobody's.
const KEY: &str = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dEf6hIj9kLm2nOp5qRs8tT3BlbkFJUv1wXy4zAb3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z";

#[test]
fn a_dead_letter_keeps_the_line_without_its_secrets() {
    let mut db = Database::ready();
    let lines = [
        json!({"model": "m", "latency_ms": "slow", "input": format!("use {KEY} now"), "note": "kept"})
            .to_string(),
        // Not JSON: no parser says where its strings are.
        format!(r#"{{"model":"m","input":"{KEY}""#),
        format!(r#"{{"model":"m","input":"{}""#, KEY.replace("sk", "\\u0073k")),
        format!("plain words with {KEY} inside"),
        json!({"model": "m", "latency_ms": "x", "args": json!({"key": KEY}).to_string()}).to_string(),
    ];
    let answer = db.ingest(&lines.join("\n"));
    assert_eq!(answer["rejected"], 5, "{answer}");
    let bodies: Vec<String> = db
        .rows("SELECT body FROM observa.rejected_events ORDER BY line", &[])
        .iter()
        .map(|r| r.get(0))
        .collect();
    for body in &bodies {
        assert!(!body.contains(&KEY[8..40]), "{body}");
        assert!(body.contains("[REDACTED:"), "{body}");
    }
    assert!(bodies[0].contains("kept"), "{}", bodies[0]);
}

#[test]
fn a_client_that_sends_rubbish_fills_no_disk() {
    let mut db = Database::ready();
    db.tenant("other");
    db.run("SET observa.max_rejected_events = 3");
    let rubbish = |count: usize| "rubbish\n".repeat(count);
    let answer = db.ingest(&rubbish(2));
    assert_eq!((&answer["rejected"], &answer["unkept"]), (&json!(2), &Value::Null), "{answer}");
    let answer = db.ingest(&rubbish(4));
    assert_eq!((&answer["rejected"], &answer["unkept"]), (&json!(4), &json!(3)), "{answer}");
    let answer = db.ingest(&rubbish(2));
    assert_eq!((&answer["rejected"], &answer["unkept"]), (&json!(2), &json!(2)), "{answer}");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    assert_eq!(db.count("observa.rejected_events"), 3);
    let elsewhere = db.ingest(&json!({"tenant_id": "other", "model": 5}).to_string());
    assert_eq!(elsewhere["unkept"], Value::Null, "each tenant has its own room: {elsewhere}");

    db.run("RESET observa.max_rejected_events; SET observa.max_rejected_bytes = 2000");
    let answer = db.ingest(&format!("{}\nshort\n{}", "x".repeat(1_900), "y".repeat(1_900)));
    assert_eq!(answer["unkept"], 1, "{answer}");
    assert_eq!(db.one::<i64>("SELECT max(length(body))::bigint FROM observa.rejected_events"), 1_900);
    // A good event needs no room.
    assert_eq!(db.ingest(&llm_call("good").to_string())["accepted"], 1);
}

#[test]
fn dead_letters_go_when_their_time_is_over() {
    let mut db = Database::ready();
    db.ingest("a\nb\nc");
    db.run("UPDATE observa_internal.rejected_events SET created_at = now() - line * interval '20 days'");
    let left = "SELECT array_agg(line ORDER BY line) FROM observa.rejected_events";
    db.run("SET observa.rejected_events_days = 0; SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(left), [1, 2, 3], "0 is for ever");
    // A pass is done once a day; the next one finds what an earlier setting has kept.
    db.run("UPDATE observa_internal.retention_passes SET done_on = done_on - 1");
    db.run("SET observa.rejected_events_days = 50; SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(left), [1, 2]);
    db.run("UPDATE observa_internal.retention_passes SET done_on = done_on - 1");
    db.run("RESET observa.rejected_events_days; SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<i64>>(left), [1], "30 days by default");
    // They are payloads, too.
    db.run("SET observa.payload_retention_days = 10; SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.rejected_events"), 0);
}

#[test]
fn replay_stores_what_a_raised_limit_now_takes() {
    let mut db = Database::ready();
    let mut events: Vec<Value> = (0..3).map(|n| llm_call(&format!("e{n}"))).collect();
    events[1]["input"] = json!("x".repeat(5000));
    events[1]["route"] = json!(KEY);
    db.run("SET observa.max_line_bytes = 2000");
    let body: String = events.iter().map(|event| format!("{event}\n")).collect::<String>() + "still bad\n";
    let answer = db.ingest(&body);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(2)), "{answer}");
    let nothing_yet: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&nothing_yet["accepted"], &nothing_yet["rejected"]), (&json!(0), &json!(2)), "{nothing_yet}");
    db.run("RESET observa.max_line_bytes");
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&replayed["accepted"], &replayed["rejected"]), (&json!(1), &json!(1)), "{replayed}");
    assert_eq!(db.count("observa.events"), 3);
    assert_eq!(
        db.count(
            "observa.events WHERE event_id = 'e1' AND length(input) = 5000 AND route LIKE '[REDACTED:%'"
        ),
        1
    );
    let left = db.row("SELECT code, attempts FROM observa.rejected_events");
    assert_eq!(left, json!({"code": "invalid_json", "attempts": 3}));
    let again: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!(again["accepted"], 0, "what is stored is gone from the letters");
}

#[test]
fn replay_takes_one_batch_where_it_is_named() {
    let mut db = Database::ready();
    db.run("SET observa.max_id_bytes = 64");
    let long = |n: usize| json!({"model": "m", "event_id": format!("{n}-{}", "x".repeat(80))}).to_string();
    let first = db.ingest(&long(1));
    db.ingest(&long(2));
    db.run("RESET observa.max_id_bytes");
    let batch = Uuid::parse_str(first["batch_id"].as_str().unwrap()).unwrap();
    let replayed: Value = one_with(&mut db.client, "SELECT observa.replay_rejected($1)", &[&batch]);
    assert_eq!((&replayed["accepted"], &replayed["rejected"]), (&json!(1), &json!(0)), "{replayed}");
    assert_eq!(db.count("observa.rejected_events"), 1);
}

#[test]
fn a_letter_that_was_stored_meanwhile_counts_as_duplicate_and_goes() {
    let mut db = Database::ready();
    let event = json!({"model": "m", "event_id": "x".repeat(80)}).to_string();
    db.run("SET observa.max_id_bytes = 64");
    db.ingest(&event);
    db.run("RESET observa.max_id_bytes");
    db.ingest(&event);
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&replayed["accepted"], &replayed["duplicates"]), (&json!(0), &json!(1)), "{replayed}");
    assert_eq!(db.count("observa.rejected_events"), 0);
}

/// A batch in ObservAI's format, with a time of its own.
fn batch(requests: &[Value], time: i64) -> String {
    json!({"requests": requests, "timestamp": time}).to_string()
}

fn letters(db: &mut Database) -> Vec<Value> {
    db.table("SELECT line, code, body FROM observa.rejected_events ORDER BY line, body")
}

#[test]
fn replay_of_a_letter_that_is_a_batch_keeps_each_bad_request_of_it() {
    let mut db = Database::ready();
    let request = |id: &str, latency: Value| json!({"request_id": id, "model": "m", "latency_ms": latency});
    let requests = [
        request("a", json!(1)),
        request("b", json!("slow")),
        request("c", json!(3)),
        request("d", json!(-4)),
    ];
    // Written by hand: ingest takes such a line apart.
    db.ingest("bad");
    db.client
        .execute(
            "UPDATE observa_internal.rejected_events SET body = $1",
            &[&batch(&requests, now_ms() - HOUR_MS)],
        )
        .unwrap();
    for round in 1..=2 {
        let replayed: Value = db.one("SELECT observa.replay_rejected()");
        let accepted = if round == 1 { 2 } else { 0 };
        assert_eq!(
            (&replayed["accepted"], &replayed["rejected"]),
            (&json!(accepted), &json!(2)),
            "{round}: {replayed}"
        );
        let left = letters(&mut db);
        assert_eq!(left.len(), 2, "{round}: {left:?}");
        assert_eq!(
            (&left[0]["code"], &left[1]["code"]),
            (&json!("invalid_type"), &json!("out_of_range")),
            "{left:?}"
        );
    }
    assert_eq!(db.count("observa.rejected_events WHERE attempts = 3"), 2);
    // Mended, they are stored at their batch's time.
    db.run(r#"UPDATE observa_internal.rejected_events SET body = replace(replace(body, '"slow"', '2'), '-4', '4')"#);
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&replayed["accepted"], &replayed["rejected"]), (&json!(2), &json!(0)), "{replayed}");
    assert_eq!(db.count("observa.events WHERE ts < now() - interval '59 minutes'"), 4);
    assert!(letters(&mut db).is_empty());
}

#[test]
fn a_bad_request_of_a_batch_is_replayed_at_its_batchs_time() {
    let mut db = Database::ready();
    let long = "x".repeat(600);
    let requests = [
        json!({"request_id": "a", "model": "m"}),
        json!({"request_id": "b", "model": "m", "trace_id": long}),
    ];
    let answer = db.ingest(&batch(&requests, now_ms() - HOUR_MS));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["line"], 2);
    db.run("SET observa.max_id_bytes = 800");
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&replayed["accepted"], &replayed["rejected"]), (&json!(1), &json!(0)), "{replayed}");
    assert_eq!(db.count("observa.events WHERE ts < now() - interval '59 minutes'"), 2);
}

#[test]
fn a_dead_letter_belongs_to_whom_its_line_names() {
    let mut db = Database::ready();
    let tenant = db.tenant("acme");
    db.run(&format!("SELECT observa.create_project('{tenant}', 'shop')"));
    let line =
        |members: Value| observa_tests::event::with(json!({"model": "m", "latency_ms": "slow"}), members);
    let body = [
        line(json!({"tenant_id": "acme", "project_id": "shop"})),
        line(json!({"tenantId": tenant.to_string()})),
        json!({"event_type": "tool_call", "tenant_id": "acme", "attributes": {"tool_call": {"tenant_id": "nobody", "tool_name": 7}}}),
        line(json!({"tenant_id": "nobody"})),
        line(json!({})),
    ];
    let body = body.map(|line| line.to_string()).join("\n") + "\n{\"tenant_id\": \"acme\", broken";
    assert_eq!(db.ingest(&body)["rejected"], 6);
    let homes = db.table(
        "SELECT r.line, t.name AS tenant, p.name AS project FROM observa.rejected_events r
           JOIN observa_internal.tenants t USING (tenant_id) JOIN observa.projects p ON p.id = r.project_id ORDER BY line",
    );
    let home =
        |line: i32, tenant: &str, project: &str| json!({"line": line, "tenant": tenant, "project": project});
    assert_eq!(
        homes,
        [
            home(1, "acme", "shop"),
            home(2, "acme", "default"),
            home(3, "acme", "default"),
            home(4, "default", "default"),
            home(5, "default", "default"),
            home(6, "default", "default"),
        ]
    );
    db.run(r#"UPDATE observa_internal.rejected_events SET body = replace(body, '"slow"', '5')"#);
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!(replayed["accepted"], 3, "{replayed}");
    assert_eq!(db.count(&format!("observa.events WHERE tenant_id = '{tenant}'")), 2);
}
