//! Owners make and unmake owners, and a tenant has one.

use observa_tests::Database;
use observa_tests::database::{error, one};
use postgres::Client;
use serde_json::json;

const ROLES: &str = "observa_admin, observa_read";

/// A tenant with an owner, an administrator and a login of its own, and a login that passes claims on.
struct Stage {
    db: Database,
    tenant: String,
    gate: Client,
    boss: Client,
}

fn stage() -> Stage {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    for (subject, role) in [("olga", "owner"), ("adam", "admin")] {
        db.run(&format!("SELECT observa.add_member('{tenant}', '{subject}', '{role}')"));
    }
    let login: String = one(&mut db.connect_as("gate", ROLES), "SELECT session_user::text");
    db.run(&format!("ALTER DATABASE {} SET observa.trusted_logins = '{login}'", db.name));
    let mut config = db.cluster.config(&db.name);
    let gate = config.user(&login).connect(postgres::NoTls).unwrap();
    let mut boss = db.connect_as("boss", ROLES);
    let login: String = one(&mut boss, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    Stage { db, tenant, gate, boss }
}

impl Stage {
    fn is(&mut self, subject: &str) {
        let claims = json!({"sub": subject, "app_metadata": {"tenant_id": self.tenant}}).to_string();
        self.gate.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims]).unwrap();
    }

    fn add(&self, subject: &str, role: &str) -> String {
        format!("SELECT observa.add_member('{}', '{subject}', '{role}')", self.tenant)
    }

    fn remove(&self, subject: &str) -> String {
        format!("SELECT observa.remove_member('{}', '{subject}')", self.tenant)
    }
}

#[test]
fn only_owners_make_and_unmake_owners() {
    let mut stage = stage();
    let takeover = [
        stage.add("adam", "owner"),
        stage.remove("olga"),
        stage.add("olga", "viewer"),
        stage.add("x", "owner"),
    ];
    stage.is("adam");
    for refused in &takeover {
        assert_eq!(error(&mut stage.gate, refused).code().code(), "42501", "{refused}");
        assert_eq!(error(&mut stage.boss, refused).code().code(), "42501", "a login owns nothing: {refused}");
    }
    let below = [stage.add("vic", "viewer"), stage.remove("vic")];
    for allowed in &below {
        stage.gate.batch_execute(allowed).unwrap();
        stage.boss.batch_execute(allowed).unwrap();
    }
    stage.is("olga");
    let adam_owns = stage.add("adam", "owner");
    stage.gate.batch_execute(&adam_owns).unwrap();
    assert_eq!(stage.db.count("observa_internal.members WHERE role = 'owner'"), 2);
}

#[test]
fn the_last_owner_stays() {
    let mut stage = stage();
    stage.is("olga");
    for refused in [stage.remove("olga"), stage.add("olga", "admin")] {
        assert_eq!(error(&mut stage.gate, &refused).code().code(), "22023", "{refused}");
    }
    let (adam_owns, leave) = (stage.add("adam", "owner"), stage.remove("olga"));
    stage.gate.batch_execute(&adam_owns).unwrap();
    stage.gate.batch_execute(&leave).unwrap();
    stage.is("adam");
    let leave = stage.remove("adam");
    assert_eq!(error(&mut stage.gate, &leave).code().code(), "22023");
    stage.db.run(&leave);
    assert_eq!(stage.db.count("observa_internal.members"), 0, "a superuser may");
}

#[test]
fn two_owners_can_not_remove_each_other_at_once() {
    let mut stage = stage();
    stage.db.run(&stage.add("otto", "owner"));
    let login: String = one(&mut stage.gate, "SELECT session_user::text");
    let mut config = stage.db.cluster.config(&stage.db.name);
    let mut second = config.user(&login).connect(postgres::NoTls).unwrap();
    stage.is("olga");
    let claims = json!({"sub": "otto", "app_metadata": {"tenant_id": stage.tenant}}).to_string();
    second.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims]).unwrap();
    let (of_otto, of_olga) = (stage.remove("otto"), stage.remove("olga"));
    stage.gate.batch_execute("BEGIN").unwrap();
    stage.gate.batch_execute(&of_otto).unwrap();
    let waits = std::thread::spawn(move || second.batch_execute(&of_olga).is_err());
    stage.db.wait_for_a_lock("remove_member");
    stage.gate.batch_execute("COMMIT").unwrap();
    assert!(waits.join().unwrap(), "the second would leave nobody");
    assert_eq!(
        stage.db.one::<String>(
            "SELECT string_agg(subject, ',') FROM observa_internal.members WHERE role = 'owner'"
        ),
        "olga"
    );
}

#[test]
fn what_changes_nothing_is_not_recorded() {
    let mut stage = stage();
    let before = stage.db.count("observa.audit_log");
    for nothing in [stage.add("adam", "admin"), stage.remove("nobody")] {
        stage.boss.batch_execute(&nothing).unwrap();
    }
    assert_eq!(stage.db.count("observa.audit_log"), before);
}
