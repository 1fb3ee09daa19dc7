//! Whom a session acts for without a key: what its login was granted, or what the claims say that a trusted login passes on.

use observa_tests::Database;
use observa_tests::database::{error, ingest, one};
use observa_tests::event::llm_call;
use postgres::Client;
use serde_json::{Value, json};

fn current(client: &mut Client) -> Option<String> {
    one(client, "SELECT observa.current_tenant()::text")
}

#[test]
fn a_login_acts_for_the_tenant_that_it_was_granted_last() {
    let mut db = Database::ready();
    let (first, second) = (db.tenant("first").to_string(), db.tenant("second").to_string());
    let mut analyst = db.connect_as("analyst", "observa_ingest, observa_read");
    let login: String = one(&mut analyst, "SELECT session_user::text");
    assert_eq!(current(&mut analyst), None);
    for tenant in [&first, &second] {
        db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
        assert_eq!(current(&mut analyst).as_ref(), Some(tenant));
        assert_eq!(ingest(&mut analyst, &llm_call("e").to_string())["accepted"], 1);
        assert_eq!(one::<i64>(&mut analyst, "SELECT count(*) FROM observa.events"), 1);
    }
    let grant = format!("SELECT observa.grant_tenant('{login}', '{first}')");
    assert_eq!(error(&mut analyst, &grant).code().code(), "42501");
    let nowhere = format!("SELECT observa.grant_tenant('{login}', '{}')", uuid::Uuid::nil());
    assert_eq!(db.error(&nowhere).code().code(), "22023");
    assert_eq!(current(&mut analyst).as_ref(), Some(&second));
    db.run(&format!("SELECT observa.revoke_tenant('{login}', '{first}')"));
    assert_eq!(current(&mut analyst), Some(second.clone()), "it was granted another one since");
    db.run(&format!("SELECT observa.revoke_tenant('{login}', '{second}')"));
    assert_eq!(current(&mut analyst), None);
}

#[test]
fn another_role_of_the_session_changes_nothing() {
    let mut db = Database::ready();
    let (own, foreign) = (db.tenant("own").to_string(), db.tenant("foreign").to_string());
    let (mut analyst, mut other) =
        (db.connect_as("analyst", "observa_read"), db.connect_as("other", "observa_read"));
    let [login, other] =
        [&mut analyst, &mut other].map(|client| one::<String>(client, "SELECT session_user::text"));
    db.run(&format!(
        "SELECT observa.grant_tenant('{login}', '{own}'), observa.grant_tenant('{other}', '{foreign}')"
    ));
    db.run(&format!("GRANT {other} TO {login}"));
    analyst.batch_execute(&format!("SET ROLE {other}")).unwrap();
    assert_eq!(current(&mut analyst), Some(own), "the login counts, which is the session's");
}

/// Another connection of the same login.
fn again(db: &Database, client: &mut Client) -> Client {
    let mut config = db.cluster.config(&db.name);
    config.user(&one::<String>(client, "SELECT session_user::text"));
    config.connect(postgres::NoTls).unwrap()
}

fn claim(client: &mut Client, claims: &Value) {
    client.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims.to_string()]).unwrap();
}

#[test]
fn claims_count_only_from_a_trusted_login_and_only_for_members() {
    let mut db = Database::ready();
    let (ours, theirs) = (db.tenant("ours").to_string(), db.tenant("theirs").to_string());
    let mut gate = db.connect_as("authenticator", "observa_ingest, observa_read");
    let mut other = db.connect_as("somebody", "observa_ingest, observa_read");
    db.run(&format!(
        "SELECT observa.add_member('{ours}', 'ann', 'member'), observa.add_member('{ours}', 'vic', 'viewer')"
    ));
    let of = |sub: &str, tenant: &str| json!({"sub": sub, "app_metadata": {"tenant_id": tenant}});
    for client in [&mut gate, &mut other] {
        claim(client, &of("ann", &ours));
        assert_eq!(current(client), None, "nobody is trusted so far");
    }
    let trusted: String = one(&mut gate, "SELECT session_user::text");
    db.run(&format!("ALTER DATABASE {} SET observa.trusted_logins = 'pgrst, {trusted}'", db.name));
    let (mut gate, mut other) = (again(&db, &mut gate), again(&db, &mut other));
    claim(&mut other, &of("ann", &ours));
    assert_eq!(current(&mut other), None);
    assert!(other.batch_execute("SET observa.trusted_logins = 'anybody'").is_err());
    for (claims, tenant) in [
        (of("ann", &ours), Some(&ours)),
        (of("ann", &theirs), None),
        (of("bob", &ours), None),
        (json!({"sub": "ann", "user_metadata": {"tenant_id": ours}}), None),
        (json!({"sub": "ann", "tenant_id": ours}), None),
        (json!({"sub": "ann", "app_metadata": {"tenant_id": "no id"}}), None),
        (json!({"sub": 5, "app_metadata": {"tenant_id": ours}}), None),
        (json!("text"), None),
        (of("vic", &ours), Some(&ours)),
    ] {
        claim(&mut gate, &claims);
        assert_eq!(current(&mut gate).as_ref(), tenant, "{claims}");
    }
    // Vic only looks.
    assert_eq!(error(&mut gate, "SELECT observa.ingest('{\"model\":\"m\"}'::text)").code().code(), "42501");
    claim(&mut gate, &of("ann", &ours));
    assert_eq!(ingest(&mut gate, &llm_call("e").to_string())["accepted"], 1);
    db.run(&format!("SELECT observa.remove_member('{ours}', 'ann')"));
    assert_eq!(current(&mut gate), None);
}
