//! What becomes of an alert: ended, reopened, given to somebody, and told of, each with its row of the history.

use observa_tests::Database;
use observa_tests::database::{error, ingest, one, table};
use observa_tests::event::{lines, llm_call, with};
use serde_json::{Value, json};
use uuid::Uuid;

/// Slow enough for high_latency, on a route of its own.
fn slow(id: &str, route: &str) -> Value {
    with(llm_call(id), json!({"latency_ms": 6000, "route": route, "trace_id": "t1"}))
}

fn raised(db: &mut Database, id: &str) -> Uuid {
    assert_eq!(db.ingest(&slow(id, "/r").to_string())["alerts"], 1);
    db.one("SELECT id FROM observa.alerts WHERE status = 'active'")
}

fn occurrences(db: &mut Database, id: Uuid) -> i64 {
    db.one(&format!("SELECT occurrences FROM observa.alerts WHERE id = '{id}'"))
}

#[test]
fn a_reopened_alert_is_open_and_what_comes_is_its_own_again() {
    let mut db = Database::ready();
    for end in ["resolve", "close"] {
        let id = raised(&mut db, end);
        assert_eq!(
            db.error(&format!("SELECT observa.reopen_alert('{id}')")).code().code(),
            "02000",
            "it is open"
        );
        db.run(&format!("SELECT observa.{end}_alert('{id}', 'mended')"));
        db.run(&format!("SELECT observa.reopen_alert('{id}', 'it is not')"));
        let alert = db.row(&format!(
            "SELECT status, note, resolved_at, closed_at, acknowledged_at, occurrences FROM observa.alerts WHERE id = '{id}'"
        ));
        assert_eq!(
            alert,
            json!({"status": "active", "note": "it is not", "resolved_at": null, "closed_at": null,
                   "acknowledged_at": null, "occurrences": 1})
        );
        assert_eq!(db.ingest(&slow(&format!("{end} again"), "/r").to_string())["alerts"], 0);
        assert_eq!(occurrences(&mut db, id), 2);
        // Its second end parts its signals from the next alert's as the first one would have.
        db.run(&format!("SELECT observa.close_alert('{id}')"));
        let next = raised(&mut db, &format!("{end} next"));
        assert_eq!((occurrences(&mut db, id), occurrences(&mut db, next)), (2, 1));
        db.run(&format!("SELECT observa.close_alert('{next}')"));
    }
}

#[test]
fn an_alert_since_which_another_was_raised_is_not_reopened() {
    let mut db = Database::ready();
    let first = raised(&mut db, "a");
    db.run(&format!("SELECT observa.resolve_alert('{first}')"));
    let second = raised(&mut db, "b");
    let reopen = format!("SELECT observa.reopen_alert('{first}')");
    for (state, end) in [("active", ""), ("acknowledged", "acknowledge"), ("closed", "close")] {
        if !end.is_empty() {
            db.run(&format!("SELECT observa.{end}_alert('{second}')"));
        }
        let refused = db.error(&reopen);
        assert_eq!(refused.code().code(), "23505", "{refused:?}");
        let told = refused.message();
        assert!(told.contains(&second.to_string()) && told.contains(state), "{told}");
    }
    db.run(&format!("SELECT observa.reopen_alert('{second}')"));
    assert_eq!((occurrences(&mut db, first), occurrences(&mut db, second)), (1, 1));
}

#[test]
fn of_two_who_reopen_one_does() {
    let mut db = Database::ready();
    let id = raised(&mut db, "a");
    db.run(&format!("SELECT observa.close_alert('{id}')"));
    let reopen = format!("SELECT observa.reopen_alert('{id}')");
    let mut other = db.connect();
    let mut open = db.client.transaction().unwrap();
    open.batch_execute(&reopen).unwrap();
    let waiting = std::thread::spawn({
        let reopen = reopen.clone();
        move || {
            other.batch_execute("SET statement_timeout = '20s'").unwrap();
            error(&mut other, &reopen).code().code().to_owned()
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    open.commit().unwrap();
    assert_eq!(waiting.join().unwrap(), "02000");
    assert_eq!(db.count("observa.alert_events WHERE event = 'reopened'"), 1);
}

#[test]
fn an_alert_that_is_raised_meanwhile_and_a_reopening_do_not_both_open_one() {
    let mut db = Database::ready();
    let id = raised(&mut db, "a");
    db.run(&format!("SELECT observa.close_alert('{id}')"));
    let reopen = format!("SELECT observa.reopen_alert('{id}')");
    // Who reopens holds up no ingest, whose signal is the reopened alert's.
    let mut other = db.connect();
    other.batch_execute("SET statement_timeout = '5s'").unwrap();
    let mut open = db.client.transaction().unwrap();
    open.batch_execute(&reopen).unwrap();
    assert_eq!(ingest(&mut other, &slow("b", "/r").to_string())["alerts"], 0);
    open.commit().unwrap();
    db.run("SELECT observa.run_maintenance()");
    assert_eq!((db.count("observa.alerts"), occurrences(&mut db, id)), (1, 2));
    // And where ingest comes first, who reopens is told of the new one once it is there.
    db.run(&format!("SELECT observa.close_alert('{id}')"));
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&slow("c", "/r").to_string()]).unwrap();
    let waiting = std::thread::spawn(move || error(&mut other, &reopen).code().code().to_owned());
    std::thread::sleep(std::time::Duration::from_millis(300));
    open.commit().unwrap();
    assert_eq!(waiting.join().unwrap(), "23505");
    assert_eq!(db.count("observa.alerts WHERE status = 'active'"), 1);
}

#[test]
fn the_history_of_an_alert_is_whole_and_in_order() {
    let mut db = Database::ready();
    let id = raised(&mut db, "a");
    for act in [
        "acknowledge_alert('$id', 'looking at it')",
        "assign_alert('$id', 'ann@example.com', 'yours')",
        "note_alert('$id', 'the key AKIAQ3EGYJ7KX5NT2MWB')",
        "assign_alert('$id', NULL)",
        "resolve_alert('$id')",
        "reopen_alert('$id', 'again')",
        "close_alert('$id')",
    ] {
        db.run(&format!("SELECT observa.{}", act.replace("$id", &id.to_string())));
    }
    let history =
        db.table("SELECT event, actor, note, assignee, value FROM observa.alert_events ORDER BY at");
    let by = |event: &str, actor: &str, note: Value, assignee: Value| json!({"event": event, "actor": actor, "note": note, "assignee": assignee, "value": 6000});
    let login = format!("login {}", db.one::<String>("SELECT session_user::text"));
    assert_eq!(
        history,
        [
            by("raised", "rule high_latency", json!(null), json!(null)),
            by("acknowledged", &login, json!("looking at it"), json!(null)),
            by("assigned", &login, json!("yours"), json!("ann@example.com")),
            by("noted", &login, json!("the key [REDACTED:aws_access_key_id]"), json!(null)),
            by("unassigned", &login, json!(null), json!(null)),
            by("resolved", &login, json!(null), json!(null)),
            by("reopened", &login, json!("again"), json!(null)),
            by("closed", &login, json!(null), json!(null)),
        ]
    );
    // What a rollback takes back has never been.
    db.run(&format!("BEGIN; SELECT observa.reopen_alert('{id}'); ROLLBACK"));
    assert_eq!(db.count("observa.alert_events"), 8);
    // Of what an older library did the alert's own row is all there is.
    db.run("DELETE FROM observa_internal.alert_events");
    let known = db.table("SELECT event, actor FROM observa.alert_events ORDER BY at");
    assert_eq!(known.last(), Some(&json!({"event": "closed", "actor": null})));
    assert_eq!(known.len(), 2);
}

#[test]
fn an_assignee_is_a_name_without_secrets_and_a_note_is_bounded() {
    let mut db = Database::ready();
    let id = raised(&mut db, "a");
    let assignee = |db: &mut Database| -> Option<String> { db.one("SELECT assignee FROM observa.alerts") };
    assert_eq!(assignee(&mut db), None);
    for (given, kept) in [
        ("  team search ", "team search"),
        ("ann@example.com", "ann@example.com"),
        ("AKIAQ3EGYJ7KX5NT2MWB", "[REDACTED:aws_access_key_id]"),
        ("ann@example.com AKIAQ3EGYJ7KX5NT2MWB", "[REDACTED:email] [REDACTED:aws_access_key_id]"),
    ] {
        db.run(&format!("SELECT observa.assign_alert('{id}', '{given}')"));
        assert_eq!(assignee(&mut db).as_deref(), Some(kept));
    }
    for arguments in [
        "assign_alert('$id', '')",
        "assign_alert('$id', repeat('x', 201))",
        "assign_alert('$id', E'a\\nb')",
        "note_alert('$id', NULL)",
        "note_alert('$id', ' ')",
        "note_alert('$id', repeat('x', 10001))",
        "resolve_alert('$id', repeat('x', 10001))",
    ] {
        let call = format!("SELECT observa.{}", arguments.replace("$id", &id.to_string()));
        assert_eq!(db.error(&call).code().code(), "22023", "{call}");
    }
    db.run(&format!("SELECT observa.assign_alert('{id}', NULL)"));
    assert_eq!(assignee(&mut db), None);
}

#[test]
fn a_life_is_changed_by_who_administers_the_tenant_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let id = raised(&mut db, "a");
    let own: Uuid = db.one("SELECT tenant_id FROM observa.alerts");
    db.run(&format!("SELECT observa.close_alert('{id}'), observa.assign_alert('{id}', 'ann')"));
    let calls = [
        format!("SELECT observa.reopen_alert('{id}')"),
        format!("SELECT observa.assign_alert('{id}', 'eve')"),
        format!("SELECT observa.note_alert('{id}', 'x')"),
    ];
    for (tenant, rights, role, code) in [
        (other, "iqa", "observa_admin", "02000"),
        (own, "iq", "observa_admin", "42501"),
        (own, "iqa", "observa_read", "42501"),
    ] {
        let mut client = db.connect();
        client
            .batch_execute(&format!(
                "LOAD 'observa'; SET observa.acting = '{tenant}//{rights}/'; SET ROLE {role}"
            ))
            .unwrap();
        for call in &calls {
            let refused = error(&mut client, call);
            assert_eq!(refused.code().code(), code, "{role} {rights} {call}: {refused:?}");
        }
    }
    let mut reader = db.connect();
    reader
        .batch_execute(&format!(
            "LOAD 'observa'; SET observa.acting = '{other}//iqa/'; SET ROLE observa_read"
        ))
        .unwrap();
    assert!(table(&mut reader, "SELECT * FROM observa.alert_events").is_empty());
    reader
        .batch_execute(&format!("RESET ROLE; SET observa.acting = '{own}//q/'; SET ROLE observa_read"))
        .unwrap();
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.alert_events"), 3);
}

#[test]
fn a_reopened_alert_is_told_each_time() {
    let mut db = Database::ready();
    db.run("SELECT observa.create_webhook(NULL, 'ops', 'https://hooks.example.com/')");
    let id = raised(&mut db, "a");
    let tell = "SELECT observa.run_maintenance()";
    db.run(tell);
    for _ in 0..2 {
        db.run(&format!("SELECT observa.resolve_alert('{id}')"));
        db.run(tell);
        db.run(&format!("SELECT observa.reopen_alert('{id}')"));
        db.run(tell);
    }
    // Two steps between two looks.
    db.run(&format!(
        "SELECT observa.close_alert('{id}'), observa.reopen_alert('{id}'), observa.acknowledge_alert('{id}')"
    ));
    db.run(tell);
    db.run(tell);
    let told = db.table("SELECT n.event FROM observa_internal.notifications n ORDER BY n.reopened, array_position(ARRAY['raised', 'reopened'], n.event)");
    let told: Vec<&str> = told.iter().map(|row| row["event"].as_str().unwrap()).collect();
    assert_eq!(told, ["raised", "resolved", "reopened", "resolved", "reopened", "reopened", "acknowledged"]);
    // In their order: what is next waits for what was before it.
    for event in &told {
        let claimed: Vec<String> = db
            .rows("SELECT observa_internal.claim_notifications(5)", &[])
            .iter()
            .map(|row| row.get(0))
            .collect();
        let claimed: Vec<Value> = claimed.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        assert_eq!(claimed[0]["event"], **event);
        db.run("UPDATE observa_internal.notifications SET state = 'delivered' WHERE state = 'sending'");
    }
}

#[test]
fn the_history_goes_with_its_alert_and_what_it_says_with_what_was_said() {
    let mut db = Database::ready();
    db.ingest(&lines(&[with(slow("a", "/r"), json!({"user_id": "u-1"}))]));
    db.run("SELECT observa.note_alert(id, 'u-1 again'), observa.assign_alert(id, 'u-1'), observa.close_alert(id) FROM observa.alerts");
    let said = "observa.alert_events WHERE note IS NOT NULL OR assignee IS NOT NULL";
    assert_eq!(db.count(said), 2);
    db.run("SELECT observa.forget_user('u-1')");
    assert_eq!(db.count(said), 0);
    assert_eq!(db.count("observa.alerts WHERE assignee IS NOT NULL"), 0);
    assert_eq!(db.count("observa.alert_events"), 4);
    db.run("DELETE FROM observa_internal.alerts");
    assert_eq!(db.count("observa_internal.alert_events"), 0);
}
