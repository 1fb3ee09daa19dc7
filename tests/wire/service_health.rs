//! observa.report_health() and observa.service_health: the last report of each service, for its tenant alone.

use observa_tests::Database;
use observa_tests::database::{error, one, table};
use serde_json::json;

const HEALTH: &str =
    "SELECT service, status, reported_status, details FROM observa.service_health ORDER BY service";

#[test]
fn the_last_report_of_each_service_counts_until_it_is_stale() {
    let mut db = Database::ready();
    db.run("SELECT observa.report_health('api', 'ok'), observa.report_health('web', 'down', '{\"disk\": 0.99, \"of\": \"ada@example.com\"}')");
    db.run("SELECT observa.report_health('api', 'degraded', stale_after_seconds => 60)");
    let expected = [
        json!({"service": "api", "status": "degraded", "reported_status": "degraded", "details": null}),
        json!({"service": "web", "status": "down", "reported_status": "down", "details": {"disk": 0.99, "of": "[REDACTED:email]"}}),
    ];
    assert_eq!(table(&mut db.client, HEALTH), expected);
    db.run("UPDATE observa_internal.service_reports SET stale_at = stale_at - interval '61 s'");
    let states = table(&mut db.client, "SELECT status FROM observa.service_health ORDER BY service");
    assert_eq!(states, [json!({"status": "stale"}), json!({"status": "down"})]);
    assert_eq!(db.count("observa.service_reports"), 3);
}

#[test]
fn history_and_names_are_bounded() {
    let mut db = Database::ready();
    for _ in 0..105 {
        db.run("SELECT observa.report_health('api', 'ok')");
    }
    // And the first of those that say the same.
    assert_eq!(db.count("observa.service_reports"), 101);
    for n in 1..200 {
        db.run(&format!("SELECT observa.report_health('s{n}', 'ok')"));
    }
    assert_eq!(db.error("SELECT observa.report_health('one more', 'ok')").code().code(), "22023");
    db.run("SELECT observa.report_health('s7', 'down')");
    assert_eq!(db.count("observa.service_health"), 200);
    for wrong in [
        "'', 'ok'",
        "repeat('x', 201), 'ok'",
        "'api', 'fine'",
        "NULL, 'ok'",
        "'api', 'ok', NULL, 0",
        "'api', 'ok', to_jsonb(repeat('x', 10001))",
    ] {
        assert_eq!(
            db.error(&format!("SELECT observa.report_health({wrong})")).code().code(),
            "22023",
            "{wrong}"
        );
    }
}

fn report(db: &mut Database, service: &str, status: &str) {
    db.run(&format!("SELECT observa.report_health('{service}', '{status}', stale_after_seconds => 60)"));
}

/// As if so many seconds had passed.
fn pass(db: &mut Database, seconds: u32) {
    let before = format!("- interval '{seconds} s'");
    db.run(&format!("UPDATE observa_internal.service_reports SET stale_at = stale_at {before}, reported_at = reported_at {before}"));
}

fn round(db: &mut Database) -> i64 {
    db.one("SELECT (observa.run_maintenance() ->> 'service_signals')::bigint")
}

fn alerts(db: &mut Database) -> Vec<String> {
    db.one("SELECT coalesce(array_agg(rule || ' ' || title || ' ' || severity || ' ' || status ORDER BY created_at, rule), '{}') FROM observa.alerts")
}

#[test]
fn a_service_that_is_down_is_told_of_once_and_well_again_when_it_says_so() {
    let mut db = Database::ready();
    report(&mut db, "api", "ok");
    report(&mut db, "web", "degraded");
    report(&mut db, "api", "down");
    assert_eq!((round(&mut db), round(&mut db)), (2, 0));
    let down = "service_down service down: api critical active";
    let degraded = "service_degraded service degraded: web warning active";
    let mut found = alerts(&mut db);
    found.sort();
    assert_eq!(found, [degraded, down]);
    let told = db.row("SELECT description, source FROM observa.alerts WHERE rule = 'service_down'");
    assert_eq!(told, json!({"description": "api reports that it is down", "source": "service"}));
    // It says so again, and falls silent meanwhile: that is the same.
    pass(&mut db, 30);
    report(&mut db, "api", "down");
    assert_eq!(round(&mut db), 0);
    // What somebody has closed stays closed until something changes.
    db.run("SELECT observa.close_alert(id) FROM observa.alerts WHERE rule = 'service_down'");
    assert_eq!(round(&mut db), 0);
    for _ in 0..110 {
        report(&mut db, "api", "down");
    }
    assert_eq!((round(&mut db), db.count("observa.service_reports WHERE service = 'api'")), (0, 101));
    for service in ["api", "web"] {
        report(&mut db, service, "ok");
    }
    assert_eq!(round(&mut db), 1);
    assert_eq!(
        db.count("observa.alert_events WHERE event = 'auto_resolved' AND actor = 'rule service_degraded'"),
        1
    );
    report(&mut db, "api", "down");
    assert_eq!(round(&mut db), 1);
    assert_eq!(db.count("observa.alerts WHERE status = 'active'"), 1);
    assert_eq!(db.count("observa.signals WHERE name = 'service_down'"), 2);
}

#[test]
fn a_service_that_flaps_is_one_alert_until_it_is_well_for_longer_each_time() {
    let mut db = Database::ready();
    let active = |db: &mut Database| db.count("observa.alerts WHERE status = 'active'");
    for (times, minutes) in [(1, 0), (2, 5), (3, 10)] {
        report(&mut db, "api", "down");
        assert_eq!((round(&mut db), active(&mut db)), (1, 1), "{times}");
        pass(&mut db, 30);
        report(&mut db, "api", "ok");
        // What it says meanwhile changes nothing of since when it has been well.
        for _ in 0..minutes {
            round(&mut db);
            assert_eq!(active(&mut db), 1, "{times}");
            pass(&mut db, 60);
            report(&mut db, "api", "ok");
        }
        assert_eq!((round(&mut db), active(&mut db)), (1, 0), "{times}");
    }
    assert_eq!(db.count("observa.alerts"), 3);

    // Down and up with every report: one alert, whose occurrences are counted.
    for _ in 0..6 {
        for status in ["down", "ok"] {
            report(&mut db, "api", status);
            round(&mut db);
            pass(&mut db, 30);
        }
    }
    assert_eq!((db.count("observa.alerts"), active(&mut db)), (4, 1));
    assert_eq!(db.count("observa.alerts WHERE status = 'active' AND occurrences = 6"), 1);
}

#[test]
fn a_service_that_reported_regularly_and_falls_silent_is_told_of() {
    let mut db = Database::ready();
    for _ in 0..3 {
        report(&mut db, "regular", "ok");
        report(&mut db, "down", "down");
        // It says each time that it will be back in a minute, and is not.
        report(&mut db, "seldom", "ok");
        db.run("UPDATE observa_internal.service_reports SET stale_at = reported_at - interval '1 s' WHERE service = 'seldom'");
        pass(&mut db, 30);
    }
    report(&mut db, "once", "ok");
    assert_eq!(round(&mut db), 1);
    pass(&mut db, 61);
    assert_eq!((round(&mut db), round(&mut db)), (2, 0));
    let silent = |service: &str| format!("service_silent service silent: {service} critical active");
    let mut found = alerts(&mut db);
    found.sort();
    // Who is silent is not known to be up.
    assert_eq!(
        found,
        ["service_down service down: down critical active".into(), silent("down"), silent("regular")]
    );
    report(&mut db, "regular", "degraded");
    assert_eq!(round(&mut db), 2);
    let now: String = db.one("SELECT string_agg(rule || ' ' || status, ', ' ORDER BY rule) FROM observa.alerts WHERE title LIKE '%regular'");
    assert_eq!(now, "service_degraded active, service_silent resolved");
    // Of what has been silent for long nobody is woken.
    let mut db = Database::ready();
    (0..3).for_each(|_| report(&mut db, "gone", "ok"));
    pass(&mut db, 90_000);
    assert_eq!(round(&mut db), 0);
}

#[test]
fn a_report_is_its_tenants_and_takes_the_right_to_send() {
    let mut db = Database::ready();
    let mut clients = ["ours", "theirs"].map(|name| {
        let tenant = db.tenant(name);
        let client = db.connect_as(name, "observa_ingest, observa_read");
        db.run(&format!("SELECT observa.grant_tenant('{name}_{}', '{tenant}')", db.name));
        client
    });
    clients[0].batch_execute("SELECT observa.report_health('api', 'ok')").unwrap();
    clients[1].batch_execute("SELECT observa.report_health('api', 'down')").unwrap();
    for (client, expected) in clients.iter_mut().zip(["ok", "down"]) {
        let found: String = one(client, "SELECT string_agg(status, ',') FROM observa.service_health");
        assert_eq!(found, expected);
    }
    let mut reader = db.connect_as("reader", "observa_read");
    let refused = error(&mut reader, "SELECT observa.report_health('api', 'ok')");
    assert_eq!(refused.code().code(), "42501");
    let mut nobody = db.connect_as("nobody", "observa_ingest");
    assert_eq!(error(&mut nobody, "SELECT observa.report_health('api', 'ok')").code().code(), "42501");
    let key: String =
        db.one("SELECT observa.create_api_key(id, 'sk', '{query}') FROM observa.projects LIMIT 1");
    let call =
        format!("BEGIN; SELECT observa.authenticate('{key}'); SELECT observa.report_health('api', 'ok')");
    assert_eq!(error(&mut nobody, &call).code().code(), "42501", "a key that only reads");
}
