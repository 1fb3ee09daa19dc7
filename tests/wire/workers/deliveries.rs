//! What the workers send to webhooks: once where all goes well, again where it does not, and never to where only the server gets.

use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit, Mac};
use observa_tests::Database;
use observa_tests::event::{llm_call, with};
use observa_tests::hook::{Call, Hook};
use serde_json::json;
use uuid::Uuid;

use super::outside::Worker;
use super::{eventually, server, wait_for_worker};

const ALLOWED: &str = "observa.webhook_allow_private = on";

const SECRET: &str = "the-secret-of-this-hook";

fn create(db: &mut Database, url: &str) -> Uuid {
    db.one(&format!("SELECT id FROM observa.create_webhook(NULL, 'hook', '{url}', secret => '{SECRET}')"))
}

fn test(db: &mut Database, webhook: Uuid) -> Uuid {
    db.one(&format!("SELECT observa.test_webhook('{webhook}')"))
}

#[track_caller]
fn wait_for(db: &mut Database, notification: Uuid, state: &str) {
    eventually(&format!("{notification} is {state}"), || {
        db.count(&format!("observa.notifications WHERE id = '{notification}' AND state = '{state}'")) == 1
    });
}

/// As a receiver would check it.
fn is_signed(call: &Call) -> bool {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{}.", call.header("x-observa-timestamp")).as_bytes());
    mac.update(&call.body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    call.header("x-observa-signature") == format!("sha256={hex}")
}

#[test]
fn an_alert_is_delivered_once_signed_and_tried_again_where_that_may_help() {
    let mut db = Database::ready_in(server("deliveries", ALLOWED));
    let hook = Hook::start();
    wait_for_worker(&mut db.connect(), &db.name);
    create(&mut db, &hook.url("/ok/path-secret"));
    let event = with(llm_call("a"), json!({"latency_ms": 9000, "route": "/r", "trace_id": "t1"}));
    assert_eq!(db.ingest(&event.to_string())["alerts"], 1);
    eventually("it is delivered", || db.count("observa.notifications WHERE state = 'delivered'") == 1);
    let alert = db.row("SELECT id, title FROM observa.alerts");
    let calls = hook.calls("/ok/path-secret");
    assert_eq!(calls.len(), 1);
    assert!(is_signed(&calls[0]), "{:?}", calls[0].headers);
    let body = calls[0].json();
    assert_eq!(
        (&body["event"], &body["alert"]["id"], &body["alert"]["title"]),
        (&json!("raised"), &alert["id"], &alert["title"])
    );
    assert_eq!(body["dedup_key"], format!("observa-{}", alert["id"].as_str().unwrap()));
    db.run("SELECT observa.resolve_alert(id) FROM observa.alerts");
    eventually("its end is told", || hook.calls("/ok/path-secret").len() == 2);
    assert_eq!(hook.calls("/ok/path-secret")[1].json()["event"], "resolved");

    // One that fails is tried again: the same notification, signed anew.
    let failing = create(&mut db, &hook.url("/fail/1"));
    let queued = test(&mut db, failing);
    wait_for(&mut db, queued, "delivered");
    let calls = hook.calls("/fail/1");
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(is_signed));
    for part in ["id", "dedup_key"] {
        assert_eq!(calls[0].json()[part], calls[1].json()[part]);
    }
    assert_eq!(calls[0].json()["id"], queued.to_string());
    let told = db.row(&format!(
        "SELECT attempts, last_status, last_error FROM observa.notifications WHERE id = '{queued}'"
    ));
    assert_eq!(told, json!({"attempts": 2, "last_status": 200, "last_error": null}));

    for (status, error) in [(404, "the answer was 404"), (302, "it was redirected, which is not followed")] {
        let gone = create(&mut db, &hook.url(&format!("/status/{status}")));
        let queued = test(&mut db, gone);
        wait_for(&mut db, queued, "failed");
        let told = db.row(&format!(
            "SELECT attempts, last_status, last_error FROM observa.notifications WHERE id = '{queued}'"
        ));
        assert_eq!(told, json!({"attempts": 1, "last_status": status, "last_error": error}));
    }
    let log = db.cluster.log();
    assert!(!log.contains(SECRET) && !log.contains("path-secret"), "{log}");
}

#[test]
fn nothing_goes_to_where_only_the_server_gets() {
    let mut db = Database::ready_in(server("deliveries-private", ""));
    let hook = Hook::start();
    wait_for_worker(&mut db.connect(), &db.name);
    let webhook = create(&mut db, &format!("https://localhost:{}/ok", hook.port()));
    let queued = test(&mut db, webhook);
    wait_for(&mut db, queued, "failed");
    let told = db.row("SELECT attempts, last_status, last_error FROM observa.notifications");
    assert_eq!(
        told,
        json!({"attempts": 1, "last_status": null, "last_error": "the host's name leads to no public address"})
    );
    // One from a time when it was allowed.
    db.run(&format!("UPDATE observa_internal.webhooks SET url = '{}'", hook.url("/ok")));
    let queued = test(&mut db, webhook);
    wait_for(&mut db, queued, "failed");
    assert!(hook.calls("/ok").is_empty());
}

#[test]
fn a_webhook_that_hangs_holds_up_nobody() {
    let mut db = Database::ready_in(server("deliveries-hang", ALLOWED));
    let hook = Hook::start();
    let mut postgres = db.cluster.connect("postgres");
    wait_for_worker(&mut postgres, &db.name);
    let hanging = create(&mut db, &hook.url("/hang"));
    for _ in 0..5 {
        test(&mut db, hanging);
    }
    eventually("it hangs", || hook.calls("/hang").len() == 2);
    let other = create(&mut db, &hook.url("/ok"));
    let begun = Instant::now();
    let queued = test(&mut db, other);
    wait_for(&mut db, queued, "delivered");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let open = "pg_stat_activity WHERE backend_type = 'observa maintenance' AND datname = current_database() AND xact_start < now() - interval '1 s'";
    assert_eq!(db.count(open), 0, "no transaction is open meanwhile");
    assert_eq!(hook.calls("/hang").len(), 2, "no more than two at once");
    let name = db.name.clone();
    db.client = postgres;
    let begun = Instant::now();
    db.run(&format!("DROP DATABASE {name}"));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[test]
fn two_workers_side_by_side_deliver_once() {
    let mut db = Database::ready_in(server("deliveries-beside", ALLOWED));
    let hook = Hook::start();
    wait_for_worker(&mut db.connect(), &db.name);
    let _worker = Worker::start(&db);
    let webhooks: Vec<Uuid> = (0..8).map(|n| create(&mut db, &hook.url(&format!("/ok/{n}")))).collect();
    for webhook in &webhooks {
        for _ in 0..10 {
            test(&mut db, *webhook);
        }
    }
    eventually("all are delivered", || db.count("observa.notifications WHERE state = 'delivered'") == 80);
    assert_eq!(db.count("observa.notifications WHERE attempts = 1"), 80);
    let sent: Vec<String> = (0..8)
        .flat_map(|n| hook.calls(&format!("/ok/{n}")))
        .map(|call| call.json()["id"].to_string())
        .collect();
    let distinct: std::collections::HashSet<&String> = sent.iter().collect();
    assert_eq!((sent.len(), distinct.len()), (80, 80));
}

#[test]
fn what_a_worker_that_dies_had_on_the_way_is_sent_again_as_the_same() {
    let mut db = Database::ready();
    db.run(&format!("ALTER DATABASE {} SET {ALLOWED}", db.name));
    db.client = db.connect();
    let hook = Hook::start();
    let webhook = create(&mut db, &hook.url("/slow"));
    let mut first = Worker::start(&db);
    let queued = test(&mut db, webhook);
    eventually("it is on the way", || hook.calls("/slow").len() == 1);
    first.kill();
    assert_eq!(
        db.row("SELECT state, attempts FROM observa.notifications"),
        json!({"state": "sending", "attempts": 1})
    );
    let _second = Worker::start(&db);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(hook.calls("/slow").len(), 1, "its lease has not ended");
    db.run("UPDATE observa_internal.notifications SET next_attempt = now()");
    wait_for(&mut db, queued, "delivered");
    let calls = hook.calls("/slow");
    assert_eq!(calls.len(), 2);
    assert_eq!(
        (&calls[0].json()["id"], &calls[0].json()["dedup_key"]),
        (&calls[1].json()["id"], &calls[1].json()["dedup_key"])
    );
    assert_eq!(db.one::<i32>("SELECT attempts FROM observa.notifications"), 2);
}

#[test]
fn a_crash_of_the_server_loses_no_notification() {
    let mut db = Database::ready_in(server("deliveries-crash", ALLOWED));
    let hook = Hook::start();
    let worker = wait_for_worker(&mut db.connect(), &db.name);
    let webhook = create(&mut db, &hook.url("/slow"));
    let queued = test(&mut db, webhook);
    eventually("it is on the way", || hook.calls("/slow").len() == 1);
    db.cluster.kill_backend(worker);
    // The postmaster notices it in its own time.
    std::thread::sleep(Duration::from_millis(500));
    eventually("the server is back", || {
        let connected = db.cluster.config(&db.name).connect(postgres::NoTls);
        let back = connected.and_then(|mut client| client.batch_execute("SELECT 1").map(|()| client));
        back.map(|client| db.client = client).is_ok()
    });
    db.run("UPDATE observa_internal.notifications SET next_attempt = now()");
    wait_for(&mut db, queued, "delivered");
    let ids: Vec<String> = hook.calls("/slow").iter().map(|call| call.json()["id"].to_string()).collect();
    assert_eq!(ids, vec![format!("\"{queued}\""); 2]);
}
