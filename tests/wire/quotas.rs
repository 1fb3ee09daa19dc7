//! Monthly quotas: what a project has stored is counted once, whatever fails or races, and over its quota nothing more is stored.

use std::sync::Barrier;

use observa_tests::database::{error, one, one_with, tell};
use observa_tests::event::{lines, llm_call, with};
use observa_tests::http;
use observa_tests::programs::{make_folder, program, run};
use observa_tests::{Cluster, Database, Front, FrontConfig};
use serde_json::{Value, json};
use uuid::Uuid;

fn limited(name: &str) -> Database {
    Database::ready_in(Cluster::own(name, "shared_preload_libraries = 'observa'\n"))
}

/// Of the default project.
fn quota(db: &mut Database, events: i64) -> Uuid {
    let project: Uuid = db.one("SELECT id FROM observa.projects ORDER BY id LIMIT 1");
    db.run(&format!("SELECT observa.limit_project('{project}', monthly_events => {events})"));
    project
}

fn events(count: usize) -> String {
    lines(&(0..count).map(|_| llm_call(&Uuid::new_v4().to_string())).collect::<Vec<_>>())
}

fn used(db: &mut Database) -> i64 {
    db.one("SELECT coalesce(sum(events), 0)::bigint FROM observa.usage WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')")
}

fn send(count: usize) -> String {
    format!("SELECT observa.ingest($body${}$body$::text)", events(count))
}

#[track_caller]
fn used_up(db: &mut Database, quota: i64) {
    let refused = db.error(&send(1));
    let message = format!("the project's quota of {quota} events a month is used up");
    assert_eq!((refused.code().code(), refused.message()), ("53400", message.as_str()), "{refused:?}");
}

#[test]
fn a_quota_is_used_by_what_is_stored_and_by_nothing_else() {
    let mut db = limited("quota-stored");
    quota(&mut db, 20);
    let body = events(5);
    assert_eq!(db.ingest(&body)["accepted"], 5);
    assert_eq!(db.ingest(&body)["duplicates"], 5, "a retry");
    assert_eq!(db.ingest("{\"bad\": 1}\nnot json")["rejected"], 2);
    // What is rolled back, wholly or to a savepoint, was not stored.
    db.run(&format!("BEGIN; {}; ROLLBACK", send(9)));
    db.run(&format!("BEGIN; SAVEPOINT s; {}; ROLLBACK TO s; {}; COMMIT", send(9), send(3)));
    assert!(db.client.batch_execute(&format!("{}, 1 / 0", send(9))).is_err());
    let mut gone = db.connect();
    gone.batch_execute(&format!("BEGIN; {}", send(9))).unwrap();
    drop(gone);
    while db.count("pg_stat_activity WHERE state = 'idle in transaction'") > 0 {}
    assert_eq!(used(&mut db), 8);
    // Twelve are left, and the body that reaches the end is stored whole.
    assert_eq!(db.ingest(&events(11))["accepted"], 11);
    assert_eq!(db.ingest(&events(4))["accepted"], 4);
    used_up(&mut db, 20);
    assert_eq!((used(&mut db), db.count("observa.events")), (23, 23));
    for insert in ["llm_requests (model)", "logs (message)"] {
        let refused =
            db.client.batch_execute(&format!("INSERT INTO observa.{insert} VALUES ('m')")).unwrap_err();
        assert!(tell(&refused).contains("is used up"), "{insert}: {}", tell(&refused));
    }
    // A higher one holds at once, and none is none.
    quota(&mut db, 24);
    assert_eq!(db.ingest(&events(1))["accepted"], 1);
    used_up(&mut db, 24);
    let project: Uuid = db.one("SELECT id FROM observa.projects");
    db.run(&format!("SELECT observa.limit_project('{project}')"));
    assert_eq!(db.ingest(&events(1))["accepted"], 1);
}

#[test]
fn a_transaction_sees_what_it_has_used_itself() {
    let mut db = limited("quota-transaction");
    quota(&mut db, 10);
    db.run(&format!("BEGIN; {}; {}", send(6), send(4)));
    used_up(&mut db, 10);
    db.run("ROLLBACK");
    assert_eq!(db.ingest(&events(10))["accepted"], 10);
    used_up(&mut db, 10);
}

/// The bound that docs/limits.md gives: less than one body over the quota, however many clients there are.
#[test]
fn sixteen_clients_at_once_go_over_a_quota_by_less_than_one_body() {
    const CLIENTS: usize = 16;
    const BODY: usize = 7;
    const QUOTA: i64 = 200;
    let mut db = limited("quota-race");
    quota(&mut db, QUOTA);
    let start = Barrier::new(CLIENTS);
    let stored: i64 = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (mut client, start) = (db.connect(), &start);
                scope.spawn(move || {
                    start.wait();
                    let mut stored = 0;
                    loop {
                        // Some give up, and what they took is there again.
                        if number % 4 == 0 {
                            let _ = client.batch_execute(&format!("BEGIN; {}; ROLLBACK", send(BODY)));
                            let _ = client.batch_execute("ROLLBACK");
                        }
                        match client.query_one("SELECT observa.ingest($1::text)", &[&events(BODY)]) {
                            Ok(row) => stored += row.get::<_, Value>(0)["accepted"].as_i64().unwrap(),
                            Err(error) => {
                                assert!(tell(&error).contains("is used up"), "{}", tell(&error));
                                return stored;
                            }
                        }
                    }
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).sum()
    });
    assert!(stored < QUOTA + BODY as i64, "{stored}");
    // Whoever was refused while another's body was under way, which then was rolled back, comes again.
    while db.client.batch_execute(&send(1)).is_ok() {}
    let used = used(&mut db);
    assert!((QUOTA..QUOTA + BODY as i64).contains(&used), "{used}");
    assert_eq!(db.count("observa.events"), used);
}

#[test]
fn over_http_a_quota_is_a_429_until_the_month_ends() {
    let mut db = limited("quota-http");
    let project = quota(&mut db, 10);
    let key: String = db.one(&format!("SELECT observa.create_api_key('{project}', 'sk')"));
    let login: String = one(&mut db.connect_as("gate", "observa_ingest"), "SELECT session_user::text");
    let mut database = db.cluster.config(&db.name);
    database.user(&login);
    let front =
        Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) });
    let send = |count: usize| {
        let headers = [("x-api-key", key.as_str())];
        http::post_with(
            &front.url("/rpc/ingest"),
            "application/octet-stream",
            events(count).as_bytes(),
            &headers,
        )
    };
    let first = send(8);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        (first.header("x-ratelimit-limit"), first.header("x-ratelimit-remaining")),
        (Some("10"), Some("2"))
    );
    assert_eq!(send(4).status, 200);
    let refused = send(1);
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("QUOTA_EXCEEDED")), "{refused:?}");
    let month_ends: i64 = db.one(
        "SELECT extract(epoch FROM (date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC')::bigint",
    );
    assert_eq!(refused.header("x-ratelimit-reset"), Some(month_ends.to_string().as_str()));
    assert!(refused.header("retry-after").is_some_and(|after| after.parse::<i64>().unwrap() > 0));
    assert_eq!(db.count("observa.events"), 12);
}

#[test]
fn usage_is_folded_without_a_change_and_told_once_for_each_level() {
    let mut db = limited("quota-fold");
    let project = quota(&mut db, 10);
    let other = db.tenant("other");
    for count in [2, 5] {
        db.ingest(&events(count));
    }
    db.ingest(&with(llm_call("theirs"), json!({"tenant_id": other.to_string()})).to_string());
    let maintain = |db: &mut Database| -> i64 {
        db.one("SELECT (observa.run_maintenance() ->> 'quota_signals')::bigint")
    };
    assert_eq!(maintain(&mut db), 0);
    assert_eq!((db.count("observa_internal.usage_deltas"), db.count("observa_internal.usage")), (0, 2));
    assert_eq!(used(&mut db), 8);
    db.ingest(&events(1));
    assert_eq!((maintain(&mut db), maintain(&mut db)), (1, 0));
    db.ingest(&events(2));
    assert_eq!((maintain(&mut db), maintain(&mut db)), (1, 0));
    let told = db.table(
        "SELECT name, type, severity, value, threshold, alert_group, project_id FROM observa.signals WHERE type = 'usage' ORDER BY ts",
    );
    let signal = |name: &str, severity: &str, value: i64, threshold: i64| {
        json!({"name": name, "type": "usage", "severity": severity, "value": value, "threshold": threshold,
               "alert_group": "default", "project_id": project.to_string()})
    };
    assert_eq!(told, [signal("quota_warning", "medium", 8, 8), signal("quota_exceeded", "high", 10, 10)]);
    let alerts = db.table("SELECT rule, severity FROM observa.alerts WHERE source = 'usage' ORDER BY rule");
    assert_eq!(
        alerts,
        [
            json!({"rule": "quota_exceeded", "severity": "critical"}),
            json!({"rule": "quota_warning", "severity": "warning"})
        ]
    );
    used_up(&mut db, 10);
    // With a higher quota all begins again.
    quota(&mut db, 100);
    assert_eq!(maintain(&mut db), 0);
    db.ingest(&events(90));
    assert_eq!(maintain(&mut db), 2);
    assert_eq!(used(&mut db), 101);
}

#[test]
fn another_months_usage_uses_nothing_of_this_ones_quota() {
    let mut db = limited("quota-month");
    let project = quota(&mut db, 10);
    for table in ["usage", "usage_deltas"] {
        db.run(&format!(
            "INSERT INTO observa_internal.{table} (tenant_id, project_id, month, events)
             SELECT tenant_id, '{project}', date_trunc('month', now() AT TIME ZONE 'UTC') - interval '1 month', 5
               FROM observa.projects"
        ));
    }
    assert_eq!(db.ingest(&events(10))["accepted"], 10);
    used_up(&mut db, 10);
    let by_month = db.table("SELECT events, quota FROM observa.usage ORDER BY month");
    assert_eq!(by_month, [json!({"events": 10, "quota": 10}), json!({"events": 10, "quota": 10})]);
    // An event of last month that arrives now is this month's.
    assert_eq!(db.one::<i64>("SELECT (observa.run_maintenance() ->> 'quota_signals')::bigint"), 2);
}

#[test]
fn a_quota_holds_after_a_crash_and_in_a_restored_dump() {
    let mut db = limited("quota-crash");
    quota(&mut db, 10);
    db.ingest(&events(6));
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&events(4));
    used_up(&mut db, 10);
    db.cluster.kill();
    db.cluster.start_again();
    db.client = db.connect();
    used_up(&mut db, 10);
    let folder = std::env::temp_dir().join(format!("observa-quota-{}", db.name));
    make_folder(&folder);
    let file = folder.join("observa.dump");
    run(program("pg_dump").args(db.cluster.arguments()).args(["-Fc", "-f"]).arg(&file).arg(&db.name));
    db.run("CREATE DATABASE restored TEMPLATE template0");
    run(program("pg_restore")
        .args(db.cluster.arguments())
        .args(["--single-transaction", "--exit-on-error", "-d", "restored"])
        .arg(&file));
    let mut restored = db.cluster.connect("restored");
    assert_eq!(one::<i64>(&mut restored, "SELECT events FROM observa.usage"), 10);
    let refused = error(&mut restored, &send(1));
    assert_eq!(refused.code().code(), "53400", "{refused:?}");
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn a_tenant_sees_its_own_usage_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    db.ingest(&events(3));
    db.ingest(&with(llm_call("theirs"), json!({"tenant_id": other.to_string()})).to_string());
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&with(llm_call("theirs-2"), json!({"tenant_id": other.to_string()})).to_string());
    let project: Uuid =
        one_with(&mut db.client, "SELECT id FROM observa.projects WHERE tenant_id = $1", &[&other]);
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{other}')", db.name));
    let seen =
        observa_tests::database::table(&mut reader, "SELECT project_id, events, quota FROM observa.usage");
    assert_eq!(seen, [json!({"project_id": project.to_string(), "events": 2, "quota": null})]);
}
