//! Administrative acts are recorded with their transaction, and what is recorded stays.

use observa_tests::database::{error, one, table};
use observa_tests::{Database, Front, FrontConfig, http};
use serde_json::{Value, json};

#[test]
fn every_administrative_act_is_recorded_for_its_tenant_alone() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    let other = db.tenant("theirs").to_string();
    let project: uuid::Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'search')"));
    let mut boss = db.connect_as("boss", "observa_admin, observa_ingest, observa_read");
    let login: String = one(&mut boss, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    db.run(&format!("SELECT observa.limit_project('{project}')"));
    let key: String = one(&mut boss, &format!("SELECT observa.create_api_key('{project}', 'sk')"));
    for act in [
        "SELECT observa.rotate_api_key(id) FROM observa.api_keys",
        "SELECT observa.revoke_api_key(id) FROM observa.api_keys ORDER BY id LIMIT 1",
        &format!("SELECT observa.add_member('{tenant}', 'ann', 'viewer')"),
        &format!("SELECT observa.remove_member('{tenant}', 'ann')"),
        &format!("SELECT observa.add_scrub_pattern('{tenant}', 'badge', 'BDG-[0-9]+')"),
        &format!("SELECT observa.remove_scrub_pattern('{tenant}', 'badge')"),
        &format!("SELECT observa.scrub_emails('{project}', false)"),
        &format!("SELECT observa.quality_scores('{project}', false)"),
        "UPDATE observa.detection_rules SET threshold = 9 WHERE name = 'high_cost'",
        "DELETE FROM observa.detection_rules WHERE name = 'high_cost'",
        "INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{\"input\": 0.001}')",
        "SELECT observa.export_user('u-1')",
        "SELECT observa.forget_user('u-1')",
    ] {
        boss.simple_query(act).unwrap_or_else(|error| panic!("{act}: {error:?}"));
    }
    // What is taken back was not done.
    boss.batch_execute(&format!("BEGIN; SELECT observa.add_member('{tenant}', 'bob', 'viewer'); ROLLBACK"))
        .unwrap();
    let seen = table(&mut boss, "SELECT action, actor FROM observa.audit_log ORDER BY id");
    let actions: Vec<&str> = seen.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(
        actions,
        [
            "create_tenant",
            "create_project",
            "grant_tenant",
            "limit_project",
            "create_api_key",
            "rotate_api_key",
            "revoke_api_key",
            "add_member",
            "remove_member",
            "add_scrub_pattern",
            "remove_scrub_pattern",
            "scrub_emails",
            "quality_scores",
            "edit_detection_rule",
            "edit_detection_rule",
            "edit_model_price",
            "export_user",
            "forget_user",
        ]
    );
    assert_eq!(
        (&seen[0]["actor"], &seen[4]["actor"]),
        (&json!("login postgres"), &json!(format!("login {login}")))
    );
    assert!(
        !table(&mut boss, "SELECT * FROM observa.audit_log").iter().any(|row| row.to_string().contains(&key))
    );
    assert_eq!(db.count(&format!("observa.audit_log WHERE tenant_id = '{other}'")), 1, "its making");
}

#[test]
fn nobody_changes_what_is_recorded_and_only_who_administers_reads_it() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    db.run("CREATE ROLE audit_probe_owner NOLOGIN; DROP ROLE audit_probe_owner");
    // As the table's owner itself, acting for the tenant.
    db.run(&format!("SET observa.acting = '{tenant}//iqa/'; SET ROLE observa_owner"));
    for (change, rows) in [
        ("UPDATE observa_internal.audit_log SET actor = 'nobody'", 0),
        ("DELETE FROM observa_internal.audit_log", 0),
        ("SELECT FROM observa_internal.audit_log", 1),
    ] {
        assert_eq!(db.client.execute(change, &[]).unwrap(), rows, "{change}");
    }
    db.run("RESET ROLE; RESET observa.acting");
    assert_eq!(
        db.count(&format!("observa.audit_log WHERE tenant_id = '{tenant}' AND actor = 'login postgres'")),
        1
    );
    let mut reader = db.connect_as("reader", "observa_read");
    assert_eq!(error(&mut reader, "SELECT * FROM observa.audit_log").code().code(), "42501");
    // A member who only looks has the role of a database administrator here, and still is none of the tenant's.
    let mut gate = db.connect_as("gate", "observa_admin, observa_read");
    let login: String = one(&mut gate, "SELECT session_user::text");
    db.run(&format!("SELECT observa.add_member('{tenant}', 'vic', 'viewer')"));
    db.run(&format!("ALTER DATABASE {} SET observa.trusted_logins = '{login}'", db.name));
    let mut config = db.cluster.config(&db.name);
    let mut gate = config.user(&login).connect(postgres::NoTls).unwrap();
    let claims = json!({"sub": "vic", "app_metadata": {"tenant_id": tenant}}).to_string();
    gate.execute("SELECT set_config('request.jwt.claims', $1, false)", &[&claims]).unwrap();
    assert_eq!(one::<i64>(&mut gate, "SELECT count(*) FROM observa.audit_log"), 0);
}

#[test]
fn rows_that_have_outlived_the_retention_go_with_maintenance() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    db.run("ALTER TABLE observa_internal.audit_log NO FORCE ROW LEVEL SECURITY");
    db.run("UPDATE observa_internal.audit_log SET at = now() - interval '40 days'");
    db.run("ALTER TABLE observa_internal.audit_log FORCE ROW LEVEL SECURITY");
    db.run(&format!("SELECT observa.add_member('{tenant}', 'ann', 'viewer')"));
    db.run("SELECT observa.run_maintenance()");
    let kept = format!("observa.audit_log WHERE tenant_id = '{tenant}'");
    assert_eq!(db.count(&kept), 2, "two years by default");
    db.run("SET observa.audit_retention = '30d'; SELECT observa.run_maintenance()");
    assert_eq!(db.count(&kept), 1);
}

#[test]
fn a_request_says_where_it_came_from_and_no_secret_with_it() {
    let mut db = Database::ready();
    let mut database = db.cluster.config(&db.name);
    database.user("postgres");
    let front =
        Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) });
    let tenant: String = db.one("SELECT tenant_id::text FROM observa_internal.tenants LIMIT 1");
    let body = json!({"tenant": tenant, "subject": "ann", "role": "viewer"}).to_string();
    let headers = [
        ("User-Agent", "curl/8 sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL"),
        ("X-Real-IP", "10.0.0.7:50001"),
        ("X-Forwarded-For", "6.6.6.6, 10.0.0.8"),
        ("X-Request-Id", "req-1"),
    ];
    let reply = http::post_with(&front.url("/rpc/add_member"), "application/json", body.as_bytes(), &headers);
    assert!((200..300).contains(&reply.status), "{reply:?}");
    let said: Value =
        db.row("SELECT address, user_agent, request_id FROM observa.audit_log WHERE action = 'add_member'");
    assert_eq!((&said["address"], &said["request_id"]), (&json!("10.0.0.7"), &json!("req-1")));
    let agent = said["user_agent"].as_str().unwrap();
    assert!(agent.starts_with("curl/8 [REDACTED:"), "{agent}");
}

/// Any client can SET what PostgREST sets for a request.
#[test]
fn what_a_login_of_a_tenant_says_of_a_request_is_not_believed() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    let mut boss = db.connect_as("boss", "observa_admin, observa_ingest, observa_read");
    let mut nobody = db.connect_as("nobody", "observa_ingest");
    let login: String = one(&mut boss, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    let headers = json!({"x-real-ip": "6.6.6.6", "user-agent": "forged", "x-api-key": "sk_no"});
    let forge = format!(
        "SELECT set_config('request.method', 'POST', false), set_config('request.path', '/logs', false),
                set_config('request.headers', '{headers}', false)"
    );
    boss.batch_execute(&forge).unwrap();
    boss.batch_execute(&format!("SELECT observa.add_member('{tenant}', 'ann', 'viewer')")).unwrap();
    let said = db.row("SELECT address, user_agent FROM observa.audit_log WHERE action = 'add_member'");
    assert_eq!(said, json!({"address": null, "user_agent": null}));
    // As nobody asks over HTTP, no key is missing: the login is who it is.
    boss.batch_execute("SELECT observa.pre_request()").unwrap();
    // A login that is nobody's is PostgREST's, unless the setting says whose is.
    let refused = |client: &mut postgres::Client| {
        client.batch_execute(&forge).unwrap();
        error(client, "SELECT observa.pre_request()")
    };
    assert_eq!(refused(&mut nobody).code().code(), "PGRST");
    db.run(&format!("ALTER DATABASE {} SET observa.trusted_logins = 'another'", db.name));
    let mut config = db.cluster.config(&db.name);
    let name: String = one(&mut nobody, "SELECT session_user::text");
    let mut nobody = config.user(&name).connect(postgres::NoTls).unwrap();
    let refused = refused(&mut nobody);
    assert_eq!(refused.code().code(), "28000");
    assert!(refused.hint().is_some_and(|hint| hint.contains("observa.trusted_logins")), "{refused:?}");
}

#[test]
fn a_person_stays_one_and_unnamed_where_their_subject_is_an_address() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    for subject in ["ann@example.com", "bob@example.com"] {
        db.run(&format!("SELECT observa.add_member('{tenant}', '{subject}', 'viewer')"));
        db.run(&format!("SELECT observa.remove_member('{tenant}', '{subject}')"));
    }
    let log = db.table("SELECT resource FROM observa.audit_log WHERE action LIKE '%_member' ORDER BY id");
    let who: Vec<&str> =
        log.iter().map(|row| row["resource"].as_str().unwrap().split_once(' ').unwrap().1).collect();
    assert!(who.iter().all(|who| who.starts_with("email:") && !who.contains("example")), "{who:?}");
    assert!(who[0] == who[1] && who[2] == who[3] && who[0] != who[2], "{who:?}");
}
