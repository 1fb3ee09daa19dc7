//! Alerts: one open for each rule and group, raised in the event's transaction, and never a reason to wait.

use std::time::{Duration, Instant};

use observa_tests::Database;
use observa_tests::database::{ingest, one, table};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use postgres::fallible_iterator::FallibleIterator;
use serde_json::{Value, json};
use uuid::Uuid;

/// Slow enough for high_latency, on a route of its own.
fn slow(id: &str, route: &str) -> Value {
    with(llm_call(id), json!({"latency_ms": 6000, "route": route, "trace_id": "t1"}))
}

#[test]
fn high_is_critical_medium_a_warning_and_low_raises_none() {
    let mut db = Database::ready();
    let ts = now_ms() - 5000;
    let answer = db.ingest(&lines(&[
        with(slow("high", "/a"), json!({"timestamp": ts})),
        with(slow("medium", "/b"), json!({"latency_ms": 3000})),
        with(llm_call("low"), json!({"input": "mail jane.roe@acme-corp.com", "route": "/c"})),
    ]));
    assert_eq!((&answer["signals"], &answer["alerts"]), (&json!(3), &json!(2)), "{answer}");
    let alerts = db.table("SELECT rule, severity, status, current_value, threshold_value, occurrences, trace_id, environment,
                                  alert_group, source, (extract(epoch FROM first_seen) * 1000)::bigint AS first_seen
                             FROM observa.alerts ORDER BY rule");
    assert_eq!(
        alerts[0],
        json!({"rule": "high_latency", "severity": "critical", "status": "active", "current_value": 6000,
        "threshold_value": 5000, "occurrences": 1, "trace_id": "t1", "environment": "prod",
        "alert_group": "model=test-model-x route=/a", "source": "latency", "first_seen": ts})
    );
    assert_eq!((&alerts[1]["rule"], &alerts[1]["severity"]), (&json!("medium_latency"), &json!("warning")));
    let texts = db.row("SELECT title, description FROM observa.alerts WHERE rule = 'high_latency'");
    assert!(texts["title"].as_str().unwrap().contains("/a"), "{texts}");
    assert!(texts["description"].as_str().unwrap().contains("6000"), "{texts}");
}

#[test]
fn one_alert_is_open_for_a_group_within_and_across_batches() {
    let mut db = Database::ready();
    let first = db.ingest(&lines(&[slow("a", "/r"), slow("b", "/r"), slow("c", "/other")]));
    assert_eq!(first["alerts"], 2, "{first}");
    let again = db.ingest(&lines(&[slow("d", "/r"), slow("e", "/other")]));
    assert_eq!((&again["signals"], &again["alerts"]), (&json!(2), &json!(0)));
    let counts = db.table("SELECT occurrences FROM observa.alerts ORDER BY alert_group DESC");
    assert_eq!(
        counts,
        [json!({"occurrences": 3}), json!({"occurrences": 2})],
        "what repeats an alert is counted"
    );
}

#[test]
fn environment_project_and_tenant_keep_alerts_apart() {
    let mut db = Database::ready();
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    db.run(&format!("SELECT observa.create_project('{tenant}', 'second')"));
    db.tenant("other");
    let answer = db.ingest(&lines(&[
        slow("a", "/r"),
        with(slow("b", "/r"), json!({"environment": "dev"})),
        with(slow("c", "/r"), json!({"project_id": "second"})),
        with(slow("d", "/r"), json!({"tenant_id": "other"})),
    ]));
    assert_eq!(answer["alerts"], 4, "{answer}");
}

#[test]
fn an_acknowledged_alert_stays_open_and_a_resolved_one_is_raised_anew() {
    let mut db = Database::ready();
    db.ingest(&slow("a", "/r").to_string());
    let id: Uuid = db.one("SELECT id FROM observa.alerts");
    db.run(&format!("SELECT observa.acknowledge_alert('{id}', 'looking at it')"));
    assert_eq!(db.ingest(&slow("b", "/r").to_string())["alerts"], 0);
    let alert = db.row("SELECT status, note, acknowledged_at IS NOT NULL AS at FROM observa.alerts");
    assert_eq!(alert, json!({"status": "acknowledged", "note": "looking at it", "at": true}));
    assert_eq!(db.error(&format!("SELECT observa.acknowledge_alert('{id}')")).code().code(), "02000");
    db.run(&format!("SELECT observa.resolve_alert('{id}')"));
    assert_eq!(db.error(&format!("SELECT observa.resolve_alert('{id}')")).code().code(), "02000");
    assert_eq!(db.ingest(&slow("c", "/r").to_string())["alerts"], 1);
    db.run(&format!("SELECT observa.close_alert('{id}')"));
    let states = db.table("SELECT status FROM observa.alerts ORDER BY created_at");
    assert_eq!(states, [json!({"status": "closed"}), json!({"status": "active"})]);
    let unknown = db.error("SELECT observa.resolve_alert('00000000-0000-4000-8000-000000000000')");
    assert_eq!(unknown.code().code(), "02000");
}

#[test]
fn a_note_is_scrubbed() {
    let mut db = Database::ready();
    db.ingest(&slow("a", "/r").to_string());
    db.run("SELECT observa.resolve_alert(id, 'was the key AKIAQ3EGYJ7KX5NT2MWB') FROM observa.alerts");
    assert_eq!(db.count("observa.alerts WHERE note LIKE 'was the key [REDACTED:%'"), 1);
}

#[test]
fn a_note_is_scrubbed_of_what_the_tenant_calls_a_secret() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    db.ingest(&lines(&[slow("a", "/r"), with(slow("b", "/r"), json!({"tenant_id": "other"}))]));
    db.run(&format!("SELECT observa.add_scrub_pattern('{other}', 'badge', 'BDG-[0-9]+')"));
    db.run("SELECT observa.acknowledge_alert(id, 'ask BDG-77') FROM observa.alerts");
    let note = |db: &mut Database, own: &str| -> String {
        db.one(&format!("SELECT note FROM observa.alerts WHERE tenant_id {own} '{other}'"))
    };
    assert_eq!(note(&mut db, "="), "ask [REDACTED:badge]", "a superuser's, for the alert's tenant");
    assert_eq!(note(&mut db, "<>"), "ask BDG-77", "another tenant has no such secret");
    let mut admin = db.connect();
    admin
        .batch_execute(&format!(
            "LOAD 'observa'; SET observa.acting = '{other}//iqa/'; SET ROLE observa_admin;
             SELECT observa.resolve_alert('{}', 'BDG-78 did it')",
            db.one::<Uuid>(&format!("SELECT id FROM observa.alerts WHERE tenant_id = '{other}'"))
        ))
        .unwrap();
    assert_eq!(note(&mut db, "="), "[REDACTED:badge] did it");
}

#[test]
fn an_open_transaction_makes_nobody_wait() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let mut open = db.client.transaction().unwrap();
    let first: Value =
        open.query_one("SELECT observa.ingest($1::text)", &[&slow("a", "/r").to_string()]).unwrap().get(0);
    assert_eq!(first["alerts"], 1);
    other.batch_execute("SET statement_timeout = '2s'").unwrap();
    let begun = Instant::now();
    let second = ingest(&mut other, &slow("b", "/r").to_string());
    assert!(begun.elapsed() < Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(
        (&second["accepted"], &second["signals"], &second["alerts"]),
        (&json!(1), &json!(1), &json!(0)),
        "{second}"
    );
    open.commit().unwrap();
    assert_eq!(db.count("observa.alerts"), 1);
    assert_eq!(db.one::<i64>("SELECT occurrences FROM observa.alerts"), 2);
}

#[test]
fn an_alert_that_a_rollback_took_is_raised_for_whoever_left_it_to_that_transaction() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&slow("a", "/r").to_string()]).unwrap();
    assert_eq!(ingest(&mut other, &lines(&[slow("b", "/r"), slow("c", "/r")]))["alerts"], 0);
    // While it is open, nobody knows.
    other.batch_execute("SELECT observa.run_maintenance()").unwrap();
    assert_eq!(one::<i64>(&mut other, "SELECT count(*) FROM observa.alerts"), 0);
    open.rollback().unwrap();
    db.run("SELECT observa.run_maintenance()");
    let alert = db.row("SELECT rule, status, occurrences FROM observa.alerts");
    assert_eq!(alert, json!({"rule": "high_latency", "status": "active", "occurrences": 2}));
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.alerts"), 1);
    assert_eq!(db.count("observa_internal.alert_candidates"), 0);
}

#[test]
fn an_alert_that_was_raised_and_ended_meanwhile_is_not_raised_again() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&slow("a", "/r").to_string()]).unwrap();
    assert_eq!(ingest(&mut other, &slow("b", "/r").to_string())["alerts"], 0);
    open.commit().unwrap();
    db.run("SELECT observa.resolve_alert(id) FROM observa.alerts");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.alerts"), 1);
    assert_eq!(db.count("observa_internal.alert_candidates"), 0);
}

#[test]
fn eight_connections_raise_one_alert_for_a_group() {
    let mut db = Database::ready();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let mut client = db.connect();
            scope.spawn(move || {
                client.batch_execute("SET statement_timeout = '30s'").unwrap();
                for batch in 0..10 {
                    let events: Vec<Value> = (0..5)
                        .map(|route| slow(&format!("{n}-{batch}-{route}"), &format!("/r{route}")))
                        .collect();
                    assert_eq!(ingest(&mut client, &lines(&events))["accepted"], 5);
                }
            });
        }
    });
    assert_eq!(db.count("observa.signals"), 400);
    assert_eq!(db.count("observa.alerts"), 5);
    assert_eq!(db.one::<i64>("SELECT sum(occurrences)::bigint FROM observa.alerts"), 400);
}

#[test]
fn a_rollback_raises_nothing() {
    let mut db = Database::ready();
    let mut listener = db.connect();
    listener.batch_execute("LISTEN observa_alerts").unwrap();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&slow("a", "/r").to_string()]).unwrap();
    open.rollback().unwrap();
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.alerts"), 0);
    let heard = listener.notifications().timeout_iter(Duration::from_millis(300)).count().unwrap();
    assert_eq!(heard, 0);
    // Neither does a savepoint that is left.
    db.run("BEGIN; SAVEPOINT s");
    db.ingest(&slow("b", "/r").to_string());
    db.run("ROLLBACK TO s; COMMIT");
    assert_eq!(db.count("observa.alerts") + db.count("observa.events"), 0);
}

#[test]
fn a_new_alert_alone_is_notified_with_its_id_and_nothing_else() {
    let mut db = Database::ready();
    let mut listener = db.connect();
    listener.batch_execute("LISTEN observa_alerts").unwrap();
    db.ingest(&lines(&[llm_call("quiet"), slow("a", "/r")]));
    db.ingest(&slow("b", "/r").to_string());
    db.run("SELECT observa.run_maintenance()");
    db.run("SELECT observa.acknowledge_alert(id) FROM observa.alerts");
    db.ingest(&slow("c", "/r").to_string());
    db.run("SELECT observa.run_maintenance()");
    let mut heard = Vec::new();
    let mut notifications = listener.notifications();
    let mut waiting = notifications.timeout_iter(Duration::from_millis(500));
    while let Some(notification) = waiting.next().unwrap() {
        heard.push((notification.channel().to_owned(), notification.payload().to_owned()));
    }
    let id: Uuid = db.one("SELECT id FROM observa.alerts");
    assert_eq!(heard, [("observa_alerts".to_owned(), id.to_string())]);
    assert_eq!(id.get_version_num(), 4, "random: it says nothing about when or whose");
}

#[test]
fn a_tenants_admin_ends_only_the_tenants_alerts() {
    let mut db = Database::ready();
    db.ingest(&slow("a", "/r").to_string());
    let mut stranger = db.connect_as("admin", "observa_admin, observa_read");
    let id: Uuid = db.one("SELECT id FROM observa.alerts");
    let refused =
        observa_tests::database::error(&mut stranger, &format!("SELECT observa.resolve_alert('{id}')"));
    assert_eq!(refused.code().code(), "02000", "another's alert is as if it were not there: {refused:?}");
    assert_eq!(one::<i64>(&mut stranger, "SELECT count(*) FROM observa.alerts"), 0);
    assert!(table(&mut stranger, "SELECT * FROM observa.issues").is_empty());
}

/// Advisory locks that the connection's transaction holds.
fn locks(transaction: &mut postgres::Transaction) -> i64 {
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
    transaction.query_one(held, &[]).unwrap().get(0)
}

#[test]
fn every_group_of_a_body_has_its_alert_and_many_share_few_locks() {
    let mut db = Database::ready();
    for (groups, most_locks) in [(150, 150 + 64), (3000, 64)] {
        let events: Vec<Value> =
            (0..groups).map(|n| slow(&format!("{groups}-{n}"), &format!("/{groups}/{n}"))).collect();
        let mut transaction = db.client.transaction().unwrap();
        let answer: Value =
            transaction.query_one("SELECT observa.ingest($1::text)", &[&lines(&events)]).unwrap().get(0);
        assert_eq!(
            (&answer["accepted"], &answer["signals"], &answer["alerts"]),
            (&json!(groups), &json!(groups), &json!(groups)),
            "{answer}"
        );
        let held = locks(&mut transaction);
        assert!(held <= most_locks, "{groups} groups: {held} locks");
        transaction.commit().unwrap();
    }
    assert_eq!(db.count("observa.alerts"), 3150);
}

#[test]
fn many_groups_beside_an_open_transaction_have_all_alerts_but_its_own() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let mut open = db.client.transaction().unwrap();
    let first = lines(&[slow("a", "/r5"), slow("b", "/r7")]);
    open.query_one("SELECT observa.ingest($1::text)", &[&first]).unwrap();
    // Whoever waited for the other's commit would be here for ever.
    other.batch_execute("SET statement_timeout = '60s'").unwrap();
    let events: Vec<Value> = (0..1000).map(|n| slow(&n.to_string(), &format!("/r{n}"))).collect();
    let answer = ingest(&mut other, &lines(&events));
    assert_eq!((&answer["accepted"], &answer["alerts"]), (&json!(1000), &json!(998)), "{answer}");
    open.commit().unwrap();
    assert_eq!(db.count("observa.alerts"), 1000);
    assert_eq!(db.count("observa.alerts WHERE occurrences = 2"), 2);
}

/// Occurrences of a route's alerts: of the resolved one, the closed one and the open one.
fn counts(db: &mut Database, route: &str) -> Vec<i64> {
    let sql = "SELECT occurrences FROM observa.alerts WHERE alert_group LIKE '%' || $1 ORDER BY status DESC";
    db.rows(sql, &[&route]).iter().map(|row| row.get(0)).collect()
}

#[test]
fn occurrences_are_those_that_arrived_while_the_alert_was_open() {
    let mut db = Database::ready();
    let days_ago = |id: &str, days: i64| with(slow(id, "/r"), json!({"timestamp": now_ms() - days * DAY_MS}));
    db.ingest(&days_ago("a", 2).to_string());
    db.run("SELECT observa.resolve_alert(id) FROM observa.alerts");
    // What happened before the first alert's event arrives after its end.
    assert_eq!(db.ingest(&days_ago("b", 3).to_string())["alerts"], 1);
    assert_eq!(counts(&mut db, "/r"), [1, 1]);
    db.ingest(&lines(&[slow("c", "/r"), days_ago("d", 20)]));
    assert_eq!(counts(&mut db, "/r"), [1, 3]);
    // To close what is resolved changes no count.
    db.run("SELECT observa.close_alert(id) FROM observa.alerts WHERE status = 'resolved'");
    assert_eq!(counts(&mut db, "/r"), [1, 3]);
    let seen = db.row(
        "SELECT round(extract(epoch FROM now() - first_seen) / 86400) AS first, round(extract(epoch FROM now() - last_seen) / 86400) AS last
           FROM observa.alerts WHERE status = 'active'",
    );
    assert_eq!(seen, json!({"first": 20, "last": 0}));
}

#[test]
fn alerts_of_one_transaction_have_their_own_occurrences() {
    let mut db = Database::ready();
    db.run("BEGIN");
    db.ingest(&lines(&[slow("a", "/r"), slow("b", "/r")]));
    db.run("SELECT observa.resolve_alert(id) FROM observa.alerts");
    assert_eq!(db.ingest(&slow("c", "/r").to_string())["alerts"], 1);
    db.run("SELECT observa.close_alert(id) FROM observa.alerts WHERE status = 'active'");
    assert_eq!(db.ingest(&slow("d", "/r").to_string())["alerts"], 1);
    db.run("COMMIT");
    assert_eq!(counts(&mut db, "/r"), [2, 1, 1]);
    db.ingest(&slow("e", "/r").to_string());
    assert_eq!(counts(&mut db, "/r"), [2, 1, 2]);
}

#[test]
fn a_signal_that_raises_no_alert_is_not_counted() {
    let mut db = Database::ready();
    db.ingest(&slow("a", "/r").to_string());
    db.run("UPDATE observa.detection_rules SET severity = 'low' WHERE name = 'high_latency'");
    assert_eq!(db.ingest(&slow("b", "/r").to_string())["signals"], 1);
    assert_eq!(counts(&mut db, "/r"), [1]);
}

#[test]
fn signals_are_counted_after_the_limit_and_by_their_index() {
    let mut db = Database::ready();
    let mut events: Vec<Value> = (0..3000).map(|n| slow(&n.to_string(), "/often")).collect();
    events.extend((0..40).map(|n| slow(&format!("x{n}"), &format!("/r{n}"))));
    db.ingest(&lines(&events));
    db.run("ANALYZE observa_internal.signals; ANALYZE observa_internal.alerts");
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    // How often the function was called, and how many signals were read without an index.
    let work = "SELECT ARRAY[(SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname = 'alert_sightings'),
                             (SELECT sum(seq_tup_read)::bigint FROM pg_stat_xact_user_tables WHERE relname ~ '^signals_[0-9]+$')]";
    for reader in ["", "SET LOCAL ROLE observa_read"] {
        let mut read = |sql: &str| {
            db.run(&format!(
                "BEGIN; SET LOCAL track_functions = 'all'; SET LOCAL observa.acting = '{tenant}//iqa/'"
            ));
            let before: Vec<i64> = db.one(work);
            db.run(reader);
            db.rows(sql, &[]);
            db.run("RESET ROLE");
            let after: Vec<i64> = db.one(work);
            db.run("COMMIT");
            (after[0] - before[0], after[1] - before[1])
        };
        let newest = "ORDER BY created_at DESC LIMIT 2";
        assert_eq!(read(&format!("SELECT * FROM observa.alerts {newest}")), (6, 0), "{reader}");
        assert_eq!(read(&format!("SELECT id, occurrences FROM observa.alerts {newest}")), (2, 0), "{reader}");
        assert_eq!(read("SELECT title, status FROM observa.alerts"), (0, 0), "{reader}");
    }
    assert_eq!(counts(&mut db, "/often"), [3000]);
}
