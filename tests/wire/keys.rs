//! API keys: what a transaction acts for while it has one, and not a moment longer.

use std::collections::HashMap;

use observa_tests::database::{error, ingest, one, parallel};
use observa_tests::event::llm_call;
use observa_tests::{Cluster, Database};
use postgres::Client;
use serde_json::{Value, json};

/// A tenant's project, and a key of each kind for it.
struct Tenant {
    id: String,
    keys: HashMap<&'static str, String>,
}

fn tenant(db: &mut Database, name: &str) -> Tenant {
    let id = db.tenant(name);
    let project: uuid::Uuid = db.one(&format!("SELECT id FROM observa.projects WHERE tenant_id = '{id}'"));
    let mut make =
        |arguments: &str| db.one(&format!("SELECT observa.create_api_key('{project}', {arguments})"));
    let keys = HashMap::from([
        ("both", make("'sk', '{ingest,query}'")),
        ("ingest", make("'sk'")),
        ("query", make("'sk', '{query}'")),
        ("public", make("'pk'")),
    ]);
    Tenant { id: id.to_string(), keys }
}

/// A login that may send and read, and is nobody's.
fn login(db: &mut Database) -> Client {
    db.connect_as("app", "observa_ingest, observa_read")
}

fn authenticate(client: &mut Client, key: &str) -> Value {
    client.query_one("SELECT observa.authenticate($1)", &[&key]).unwrap().get(0)
}

fn current(client: &mut Client) -> Option<uuid::Uuid> {
    one(client, "SELECT observa.current_tenant()")
}

fn count(client: &mut Client) -> i64 {
    one(client, "SELECT count(*) FROM observa.events")
}

#[test]
fn a_transaction_acts_for_its_key_and_the_next_one_for_nobody() {
    let mut db = Database::ready();
    let (ours, theirs) = (tenant(&mut db, "ours"), tenant(&mut db, "theirs"));
    let mut app = login(&mut db);
    for of in [&ours, &theirs] {
        app.batch_execute("BEGIN").unwrap();
        let said = authenticate(&mut app, &of.keys["both"]);
        assert_eq!((&said["tenant_id"], &said["scopes"]), (&json!(of.id), &json!(["ingest", "query"])));
        assert_eq!(ingest(&mut app, &llm_call("e").to_string())["accepted"], 1);
        assert_eq!(count(&mut app), 1);
        app.batch_execute("COMMIT").unwrap();
        assert_eq!((current(&mut app), count(&mut app)), (None, 0));
        let refused = error(&mut app, "SELECT observa.ingest('{\"model\": \"m\"}'::text)");
        assert_eq!(refused.code().code(), "42501");
    }
    assert_eq!(db.count("observa.events"), 2);
    // As one statement, and where the transaction fails.
    let both = &ours.keys["both"];
    app.batch_execute("BEGIN").unwrap();
    authenticate(&mut app, both);
    assert!(app.batch_execute("SELECT 1 / 0").is_err());
    app.batch_execute("ROLLBACK").unwrap();
    assert_eq!(current(&mut app), None);
    let alone =
        "WITH a AS MATERIALIZED (SELECT observa.authenticate($1)) SELECT observa.current_tenant() FROM a";
    app.query_one(alone, &[both]).unwrap();
    app.batch_execute("DISCARD ALL").unwrap();
    assert_eq!(current(&mut app), None);
}

#[test]
fn a_savepoint_takes_back_the_key_that_it_brought() {
    let mut db = Database::ready();
    let (ours, theirs) = (tenant(&mut db, "ours"), tenant(&mut db, "theirs"));
    let mut app = login(&mut db);
    let acting = |client: &mut Client| current(client).map(|id| id.to_string());
    app.batch_execute("BEGIN; SAVEPOINT a").unwrap();
    authenticate(&mut app, &ours.keys["both"]);
    app.batch_execute("SAVEPOINT b").unwrap();
    authenticate(&mut app, &theirs.keys["both"]);
    assert_eq!(acting(&mut app), Some(theirs.id.clone()));
    app.batch_execute("ROLLBACK TO b").unwrap();
    assert_eq!(acting(&mut app), Some(ours.id.clone()));
    app.batch_execute("RELEASE a").unwrap();
    assert_eq!(acting(&mut app), Some(ours.id.clone()), "what a savepoint brought holds when it is released");
    app.batch_execute("ROLLBACK").unwrap();
    assert_eq!(acting(&mut app), None);
}

#[test]
fn a_key_that_does_not_count_is_refused_at_once_everywhere() {
    let mut db = Database::ready();
    let ours = tenant(&mut db, "ours");
    let (mut app, mut other) = (login(&mut db), db.connect());
    let is_refused = |client: &mut Client, key: &str| {
        let found = client.query_one("SELECT observa.authenticate($1)", &[&key]);
        found.err().and_then(|error| error.code().map(|code| code.code().to_owned()))
    };
    let refused = Some("28P01".to_owned());
    let key = &ours.keys["both"];
    for wrong in ["", "sk_", "pk_0", &key.to_uppercase(), &key[..key.len() - 1], &format!("{key}0")] {
        assert_eq!(is_refused(&mut app, wrong), refused, "{wrong}");
    }
    // Both have it in mind.
    assert_eq!((is_refused(&mut app, key), is_refused(&mut other, key)), (None, None));
    let id: uuid::Uuid = db.one("SELECT id FROM observa.api_keys WHERE scopes = '{ingest,query}'");
    db.run(&format!("SELECT observa.revoke_api_key('{id}')"));
    assert_eq!((is_refused(&mut app, key), is_refused(&mut other, key)), (refused.clone(), refused.clone()));
    let project: uuid::Uuid =
        db.one(&format!("SELECT id FROM observa.projects WHERE tenant_id = '{}'", ours.id));
    let short: String = db.one(&format!(
        "SELECT observa.create_api_key('{project}', 'sk', expires_at => clock_timestamp() + '300 ms')"
    ));
    assert_eq!(is_refused(&mut app, &short), None);
    std::thread::sleep(std::time::Duration::from_millis(400));
    assert_eq!(is_refused(&mut app, &short), refused);
}

#[test]
fn a_scope_that_is_missing_is_missed() {
    let mut db = Database::ready();
    let ours = tenant(&mut db, "ours");
    let mut app = login(&mut db);
    for (name, may_ingest, may_read) in
        [("both", true, true), ("ingest", true, false), ("public", true, false), ("query", false, true)]
    {
        app.batch_execute("BEGIN").unwrap();
        authenticate(&mut app, &ours.keys["both"]);
        ingest(&mut app, &llm_call("before").to_string());
        authenticate(&mut app, &ours.keys[name]);
        assert_eq!(count(&mut app), i64::from(may_read), "{name}");
        for send in [
            "SELECT observa.ingest('{\"model\": \"m\"}'::text)",
            "INSERT INTO observa.llm_requests (model) VALUES ('m')",
            "INSERT INTO observa.logs (level, message) VALUES ('info', 'm')",
        ] {
            app.batch_execute("SAVEPOINT s").unwrap();
            let sent = app.batch_execute(send);
            let code = sent.as_ref().err().and_then(|error| error.code()).map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), (!may_ingest).then_some("42501"), "{name}: {send}");
            app.batch_execute("ROLLBACK TO s").unwrap();
        }
        app.batch_execute("ROLLBACK").unwrap();
    }
}

#[test]
fn a_rotated_key_counts_for_the_overlap() {
    let mut db = Database::ready();
    let ours = tenant(&mut db, "ours");
    let mut app = login(&mut db);
    let old: uuid::Uuid = db.one("SELECT id FROM observa.api_keys WHERE kind = 'pk'");
    let overlapping: String = db.one(&format!("SELECT observa.rotate_api_key('{old}', '1 h')"));
    let said = authenticate(&mut app, &overlapping);
    assert_eq!(authenticate(&mut app, &ours.keys["public"]), said);
    assert!(overlapping.starts_with("pk_"));
    let ended: bool = db.one(&format!(
        "SELECT expires_at BETWEEN now() AND now() + '1 h' FROM observa.api_keys WHERE id = '{old}'"
    ));
    assert!(ended);
    let at_once: uuid::Uuid = db.one("SELECT id FROM observa.api_keys WHERE scopes = '{query}'");
    db.run(&format!("SELECT observa.rotate_api_key('{at_once}')"));
    assert_eq!(
        app.query_one("SELECT observa.authenticate($1)", &[&ours.keys["query"]])
            .unwrap_err()
            .code()
            .unwrap()
            .code(),
        "28P01"
    );
}

#[test]
fn a_key_is_nowhere_but_in_the_hands_of_who_made_it() {
    let mut db = Database::ready_in(Cluster::own("keys", ""));
    let ours = tenant(&mut db, "ours");
    let key = &ours.keys["both"];
    assert_eq!(
        db.one::<String>(&format!("SELECT observa.scrub('key: {key} .')")),
        "key: [REDACTED:observa_key] ."
    );
    let stored = db.count(&format!("observa_internal.api_keys k WHERE k::text LIKE '%{}%'", &key[4..]));
    assert_eq!(stored, 0);
    assert_eq!(db.count(&format!("observa.api_keys WHERE prefix = '{}'", &key[..8])), 1);
    let mut app = login(&mut db);
    app.batch_execute("BEGIN").unwrap();
    authenticate(&mut app, key);
    assert_eq!(error(&mut app, "SELECT hash FROM observa_internal.api_keys").code().code(), "42501");
    app.batch_execute("ROLLBACK").unwrap();
    let marker = "sk_00000000000000000000000000000000000000000000000000000000000no_key";
    assert!(app.batch_execute(&format!("SELECT observa.authenticate('{marker}')")).is_err());
    assert!(!db.cluster.log().contains(marker));
}

#[test]
fn only_who_administers_a_tenant_makes_and_ends_its_keys() {
    let mut db = Database::ready();
    let (ours, theirs) = (tenant(&mut db, "ours"), tenant(&mut db, "theirs"));
    let project = |db: &mut Database, of: &Tenant| -> uuid::Uuid {
        db.one(&format!("SELECT id FROM observa.projects WHERE tenant_id = '{}'", of.id))
    };
    let (own, foreign) = (project(&mut db, &ours), project(&mut db, &theirs));
    let foreign_key: uuid::Uuid =
        db.one(&format!("SELECT id FROM observa.api_keys WHERE project_id = '{foreign}' LIMIT 1"));
    let mut admin = db.connect_as("boss", "observa_admin, observa_ingest, observa_read");
    let boss: String = one(&mut admin, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{boss}', '{}')", ours.id));
    let made: String =
        one(&mut admin, &format!("SELECT observa.create_api_key('{own}', 'sk', name => 'mine')"));
    assert!(made.starts_with("sk_"));
    for refused in [
        format!("SELECT observa.create_api_key('{foreign}', 'sk')"),
        format!("SELECT observa.revoke_api_key('{foreign_key}')"),
        format!("SELECT observa.rotate_api_key('{foreign_key}')"),
    ] {
        assert_eq!(error(&mut admin, &refused).code().code(), "42501", "{refused}");
    }
    // A key of the tenant's is no administrator, whatever roles its login has.
    admin.batch_execute("BEGIN").unwrap();
    authenticate(&mut admin, &ours.keys["both"]);
    let refused = error(&mut admin, &format!("SELECT observa.create_api_key('{own}', 'sk')"));
    assert_eq!(refused.code().code(), "42501");
    admin.batch_execute("ROLLBACK").unwrap();
    for bad in [
        "'xx'",
        "'sk', '{}'",
        "'sk', '{admin}'",
        "'pk', '{query}'",
        "'sk', origins => '{https://a.example}'",
        "'pk', origins => '{example.com}'",
    ] {
        let refused = error(&mut admin, &format!("SELECT observa.create_api_key('{own}', {bad})"));
        assert_eq!(refused.code().code(), "22023", "{bad}");
    }
}

#[test]
fn parallel_workers_act_for_the_same_key() {
    let mut db = Database::ready();
    let (ours, theirs) = (tenant(&mut db, "ours"), tenant(&mut db, "theirs"));
    let mut app = login(&mut db);
    app.batch_execute(&parallel("on")).unwrap();
    app.batch_execute("SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0").unwrap();
    for of in [&ours, &theirs] {
        app.batch_execute("BEGIN").unwrap();
        authenticate(&mut app, &of.keys["both"]);
        ingest(&mut app, &llm_call("e").to_string());
        assert_eq!(count(&mut app), 1);
        let plan: Value = one(&mut app, "EXPLAIN (ANALYZE, FORMAT json) SELECT observa.current_tenant()");
        assert!(plan.to_string().contains("\"Workers Launched\":1"), "{plan}");
        assert_eq!(current(&mut app).map(|id| id.to_string()), Some(of.id.clone()));
        app.batch_execute("COMMIT").unwrap();
    }
    // A login's own tenant, which a worker must find by itself.
    let user: String = one(&mut app, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{user}', '{}')", ours.id));
    assert_eq!(current(&mut app).map(|id| id.to_string()), Some(ours.id.clone()));
    assert_eq!(count(&mut app), 1);
}

#[test]
fn what_a_key_may_say_is_bounded() {
    let mut db = Database::ready();
    let project: uuid::Uuid = db.one("SELECT id FROM observa.projects");
    let origins =
        |count: usize| format!("(SELECT array_agg('https://a' || n) FROM generate_series(1, {count}) n)");
    let make = |kind: &str, scopes: &str, origins: &str| {
        format!("SELECT observa.create_api_key('{project}', '{kind}', '{scopes}', {origins})")
    };
    db.run(&make("pk", "{ingest}", &origins(100)));
    for refused in [
        make("pk", "{ingest}", &origins(101)),
        make("pk", "{ingest}", "ARRAY['https://' || repeat('a', 254)]"),
        make("sk", "{ingest,query,ingest}", "'{}'"),
        make("sk", "{ingest,NULL}", "'{}'"),
        "SELECT observa.create_api_key((SELECT id FROM observa.projects), 'sk', expires_at => now() - interval '1 s')".into(),
    ] {
        assert!(db.client.batch_execute(&refused).is_err(), "{refused}");
    }
    assert_eq!(db.count("observa.api_keys"), 1);
}

#[test]
fn a_key_that_counts_no_more_is_not_rotated() {
    let mut db = Database::ready();
    let make = "SELECT observa.create_api_key((SELECT id FROM observa.projects), 'sk', expires_at => now() + interval '1 h')";
    db.run(make);
    let rotate = "SELECT observa.rotate_api_key(id) FROM observa.api_keys";
    db.run("UPDATE observa_internal.api_keys SET expires_at = now() - interval '1 s'");
    assert_eq!(db.error(rotate).code().code(), "02000");
    db.run("UPDATE observa_internal.api_keys SET expires_at = NULL");
    // Revoked by somebody else while this one waits for the row.
    let mut other = db.connect();
    other.batch_execute("BEGIN; SELECT observa.revoke_api_key(id) FROM observa.api_keys").unwrap();
    let mut waiting = db.connect();
    let waits = std::thread::spawn(move || waiting.batch_execute(rotate).is_err());
    db.wait_for_a_lock("rotate_api_key");
    other.batch_execute("COMMIT").unwrap();
    assert!(waits.join().unwrap(), "else the revoked key would live on under another name");
    assert_eq!(db.count("observa.api_keys"), 1);
}
