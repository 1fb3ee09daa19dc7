//! What runs, and what is missing, as load balancers and people ask it.

use observa_tests::Database;
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
    let health: Value = observa_tests::database::one(&mut client, "SELECT observa.health()");
    assert_eq!(health, json!({"status": "ok"}));
    let version: Value = observa_tests::database::one(&mut client, "SELECT observa.version()");
    let extension: String = db.one("SELECT extversion FROM pg_extension WHERE extname = 'observa'");
    let server: String = db.one("SHOW server_version");
    assert_eq!(version["version"], json!(extension));
    assert!(server.starts_with(version["postgres"].as_str().unwrap()), "{version} {server}");
}
