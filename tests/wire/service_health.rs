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
    assert_eq!(db.count("observa.service_reports"), 100);
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
