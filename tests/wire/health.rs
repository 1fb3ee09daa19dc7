//! What runs, and what is missing, as load balancers and people ask it.

use observa_tests::Database;
use observa_tests::database::one;
use serde_json::{Value, json};

#[test]
fn a_database_without_storage_says_so() {
    let mut db = Database::empty();
    db.run("CREATE EXTENSION observa");
    assert_eq!(db.one::<Value>("SELECT observa.health()"), json!({"status": "no_storage"}));
    let health: Value = db.one("SELECT observa.health_detailed()");
    assert_eq!(health["status"], "no_storage", "{health}");
    assert!(health["checks"]["storage"]["message"].as_str().unwrap().contains("observa.setup()"), "{health}");
    db.run("SELECT observa.setup()");
    assert_eq!(db.one::<Value>("SELECT observa.health()"), json!({"status": "ok"}));
}

#[test]
fn health_is_for_any_client_and_tells_nothing_of_tenants() {
    let mut db = Database::ready();
    let mut client = db.connect_as("pinger", "observa_ingest");
    let health: Value = one(&mut client, "SELECT observa.health()");
    assert_eq!(health, json!({"status": "ok"}));
    let version: Value = one(&mut client, "SELECT observa.version()");
    let extension: String = db.one("SELECT extversion FROM pg_extension WHERE extname = 'observa'");
    let server: String = db.one("SHOW server_version");
    assert_eq!(version["version"], json!(extension));
    assert!(server.starts_with(version["postgres"].as_str().unwrap()), "{version} {server}");
}

fn checks(client: &mut postgres::Client) -> Value {
    one::<Value>(client, "SELECT observa.health_detailed()")["checks"].clone()
}

#[test]
fn health_tells_of_jobs_that_fail_and_of_jobs_that_nothing_runs() {
    let mut db = Database::ready();
    let workers = |db: &mut Database| checks(&mut db.client)["workers"].clone();
    let fresh = workers(&mut db);
    assert_eq!(fresh["status"], "late", "no job has ever run: {fresh}");
    assert!(fresh["message"].as_str().unwrap().contains("docs/maintenance.md"), "{fresh}");
    db.run("SELECT observa.run_maintenance()");
    let well = workers(&mut db);
    assert_eq!((&well["status"], &well["message"]), (&json!("ok"), &Value::Null), "{well}");
    assert_eq!(well["rollups_lag_seconds"], 0.0);
    assert_eq!(well["jobs"].as_object().unwrap().len() as i64, db.count("observa.workers"));

    db.run("ALTER TABLE observa_internal.audit_log RENAME TO elsewhere; SELECT observa.run_maintenance()");
    let failing = workers(&mut db);
    assert_eq!((&failing["status"], &failing["failing"]), (&json!("failing"), &json!(1)), "{failing}");
    assert!(failing["jobs"]["audit"]["last_error"].as_str().unwrap().starts_with("42P01"), "{failing}");
    db.run("ALTER TABLE observa_internal.elsewhere RENAME TO audit_log; SELECT observa.run_maintenance()");
    db.run("UPDATE observa_internal.jobs SET next_run = now() - interval '6 minutes' WHERE job = 'usage'");
    assert_eq!(workers(&mut db)["status"], "late");
    db.run("SELECT observa.pre_restore()");
    assert_eq!(workers(&mut db)["status"], "held");
}

#[test]
fn health_counts_what_waits_for_those_who_may_know() {
    let mut db = Database::ready();
    let tenants = ["ours", "theirs"].map(|name| {
        let tenant = db.tenant(name);
        let project: uuid::Uuid =
            db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id = '{tenant}'"));
        for _ in 0..2 {
            db.ingest(&json!({"tenant_id": name, "model": 5}).to_string());
        }
        db.run(&format!(
            "SELECT observa.test_webhook(id) FROM observa.create_webhook('{project}', 'h', 'https://hooks.example.com/')"
        ));
        tenant
    });
    db.run(&format!(
        "UPDATE observa_internal.rejected_events SET created_at = '2026-01-02T03:04:05Z' WHERE tenant_id = '{}';
         UPDATE observa_internal.notifications SET next_attempt = now() - interval '11 minutes' WHERE tenant_id = '{}'",
        tenants[0], tenants[1]
    ));
    let mut insider = db.connect_as("insider", "observa_read");
    let mut nobody = db.connect_as("nobody", "observa_read");
    let mut watch = db.connect_as("watch", "observa_read, pg_monitor");
    db.run(&format!("SELECT observa.grant_tenant('insider_{}', '{}')", db.name, tenants[0]));
    let see = |client: &mut postgres::Client| {
        let checks = checks(client);
        let (letters, notifications) = (&checks["dead_letters"], &checks["notifications"]);
        json!([
            letters["count"],
            letters["tenants_without_room"],
            notifications["pending"],
            notifications["status"]
        ])
    };
    assert_eq!(see(&mut insider), json!([2, 0, 1, "ok"]), "their own");
    assert_eq!(see(&mut nobody), json!([null, null, null, "ok"]));
    assert_eq!(see(&mut watch), json!([4, 0, 2, "late"]));
    assert_eq!(see(&mut db.client), json!([4, 0, 2, "late"]));
    let oldest = checks(&mut insider)["dead_letters"]["oldest"].as_str().unwrap().to_owned();
    assert!(oldest.starts_with("2026-01-02T03:04:05"), "{oldest}");
    db.run("SET observa.max_rejected_events = 2");
    assert_eq!(see(&mut db.client)[1], 2);
}

#[test]
fn health_is_told_within_5_ms() {
    let mut db = Database::ready();
    let statement = db.client.prepare("SELECT observa.health()").unwrap();
    db.client.query_one(&statement, &[]).unwrap();
    let mut times: Vec<_> = (0..51)
        .map(|_| {
            let begun = std::time::Instant::now();
            db.client.query_one(&statement, &[]).unwrap();
            begun.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[25].as_micros() < 5_000, "{times:?}");
}

#[test]
fn health_names_settings_of_the_server_that_hurt_and_what_to_set() {
    let mut db = Database::ready();
    let found = |db: &mut Database, name: &str| {
        let settings = checks(&mut db.client)["settings"].clone();
        let one = settings["found"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
        (one, settings["status"].clone())
    };
    let (fsync, status) = found(&mut db, "fsync");
    let fsync = fsync.expect("tests run without fsync");
    assert_eq!(
        (&fsync["value"], &fsync["set"], &fsync["degrades"]),
        (&json!("off"), &json!("on"), &json!(true))
    );
    assert!(fsync["why"].as_str().unwrap().contains("acknowledged"), "{fsync}");
    assert_eq!(status, "harmful");
    for (name, wrong, right) in [
        ("synchronous_commit", "off", "local"),
        ("enable_partition_pruning", "off", "on"),
        ("idle_in_transaction_session_timeout", "0", "60000"),
        ("default_transaction_read_only", "on", "off"),
    ] {
        db.run(&format!("SET {name} = {wrong}"));
        assert_eq!(found(&mut db, name).0.map(|one| one["value"].clone()), Some(json!(wrong)), "{name}");
        db.run(&format!("SET transaction_read_only = off; SET {name} = {right}"));
        assert_eq!(found(&mut db, name).0, None, "{name}");
    }
    assert_eq!(found(&mut db, "wal_level").0, None, "nobody follows");
    db.run("SELECT observa.publish_realtime('followers')");
    let level: String = db.one("SHOW wal_level");
    assert_eq!(found(&mut db, "wal_level").0.is_some(), level != "logical");
}

#[test]
fn health_tells_of_partitions_ahead_and_of_disk_for_who_watches() {
    let mut db = Database::ready();
    assert_eq!(checks(&mut db.client)["partitions"]["status"], "ok");
    let bytes: i64 = db.one(
        "SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class c
          WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'm')",
    );
    let disk = checks(&mut db.client)["disk"].clone();
    assert_eq!(disk["bytes"], json!(bytes), "{disk}");
    let sum: i64 = disk["tables"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(sum, bytes);
    let tenant = db.tenant("ours");
    let mut insider = db.connect_as("insider", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('insider_{}', '{tenant}')", db.name));
    assert_eq!(checks(&mut insider)["disk"]["bytes"], Value::Null);
    let tomorrow: String = db.one("SELECT to_char((now() AT TIME ZONE 'UTC')::date + 1, 'YYYYMMDD')");
    db.run(&format!("DROP TABLE observa_internal.logs_{tomorrow}"));
    let partitions = checks(&mut db.client)["partitions"].clone();
    assert_eq!(
        (&partitions["status"], &partitions["days_ahead"]),
        (&json!("missing"), &json!(0)),
        "{partitions}"
    );
}

#[test]
fn health_counts_projects_at_their_quota() {
    let mut db = Database::ready();
    db.ingest(&observa_tests::event::llm_call("e").to_string());
    db.run("SELECT observa.limit_project(id, NULL, 1) FROM observa.projects");
    let quotas = checks(&mut db.client)["quotas"].clone();
    assert_eq!((&quotas["projects"], &quotas["exhausted"]), (&json!(1), &json!(1)), "{quotas}");
}
