//! Who is signed in and who is not: with a key beside, after an account is gone, and however often a password is guessed.

use observa_tests::database::{error, one, rows, tell};
use observa_tests::{Cluster, Database, Front, FrontConfig, http};
use postgres::Client;
use serde_json::{Value, json};

use crate::accounts::{PASSWORD, Stage, claims, over_http, pass_on, sign_up, stage};

fn current(client: &mut Client) -> Option<String> {
    one(client, "SELECT observa.current_tenant()::text")
}

/// One transaction as PostgREST makes it; the error of its pre_request, or what the statement says.
fn request(
    gate: &mut Client,
    path: &str,
    headers: &Value,
    claims: &Value,
    statement: &str,
) -> Result<Option<String>, String> {
    let mut transaction = gate.transaction().unwrap();
    for (name, value) in [
        ("request.method", "POST".to_owned()),
        ("request.path", path.to_owned()),
        ("request.headers", headers.to_string()),
        ("request.jwt.claims", claims.to_string()),
    ] {
        transaction.execute("SELECT set_config($1, $2, true)", &[&name, &value]).unwrap();
    }
    transaction.batch_execute("SELECT observa.pre_request()").map_err(|error| tell(&error))?;
    let said = transaction.query_opt(statement, &[]).map_err(|error| tell(&error))?;
    transaction.commit().unwrap();
    Ok(said.and_then(|row| row.get(0)))
}

fn logouts(db: &mut Database, tenant: &str) -> i64 {
    db.count(&format!("observa.audit_log WHERE action = 'logout' AND tenant_id = '{tenant}'"))
}

#[test]
fn a_key_beside_a_jwt_makes_nobody_signed_in() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let ann = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    let own = ann["app_metadata"]["tenant_id"].as_str().unwrap();
    let foreign: String =
        db.one("SELECT tenant_id::text FROM observa_internal.tenants WHERE name = 'default'");
    let key: String = db.one(&format!(
        "SELECT observa.create_api_key(id, 'pk') FROM observa.projects WHERE tenant_id = '{foreign}'"
    ));
    let headers = json!({ "x-api-key": key });
    let me = "SELECT observa.me()::text";
    let rename = "UPDATE observa.user_profiles SET full_name = 'Ann' RETURNING full_name";
    let logout = "SELECT observa.logout()::text";
    // The JWT counts, and the key is who asks.
    assert_eq!(request(&mut gate, "/rpc/me", &headers, &ann, me), Ok(None));
    assert_eq!(request(&mut gate, "/user_profiles", &headers, &ann, rename), Ok(None));
    assert!(
        request(&mut gate, "/rpc/me", &json!({}), &ann, me).unwrap().unwrap().contains("ann@example.com")
    );
    // It ends, once, in the log of its own tenant.
    for _ in 0..3 {
        request(&mut gate, "/rpc/logout", &headers, &ann, logout).unwrap();
    }
    assert_eq!((logouts(&mut db, own), logouts(&mut db, &foreign)), (1, 0));
    assert_eq!(request(&mut gate, "/rpc/me", &headers, &ann, me), Ok(None));
    assert_eq!(request(&mut gate, "/user_profiles", &headers, &ann, rename), Ok(None));
    let refused = request(&mut gate, "/rpc/me", &json!({}), &ann, me).unwrap_err();
    assert!(refused.contains("UNAUTHORIZED"), "{refused}");
    assert_eq!(db.count("observa_internal.accounts WHERE full_name IS NOT NULL"), 0);
}

#[test]
fn an_account_that_is_deleted_takes_its_sessions_and_memberships_along() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let ann = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    let subject = ann["sub"].as_str().unwrap();
    pass_on(&mut gate, &ann);
    assert!(current(&mut gate).is_some());
    db.run("DELETE FROM observa_internal.accounts");
    assert_eq!(current(&mut gate), None);
    assert_eq!(db.count(&format!("observa_internal.members WHERE subject = '{subject}'")), 0);
    // Also where somebody makes them a member anew: the session is still gone.
    let tenant = ann["app_metadata"]["tenant_id"].as_str().unwrap();
    db.run(&format!("SELECT observa.add_member('{tenant}', '{subject}', 'owner')"));
    assert_eq!(current(&mut gate), None);
    // Another issuer's session is not ours to know.
    pass_on(&mut gate, &json!({"sub": subject, "jti": "theirs", "app_metadata": {"tenant_id": tenant}}));
    assert_eq!(current(&mut gate).as_deref(), Some(tenant));
}

#[test]
fn who_is_a_member_of_nothing_can_still_sign_out() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let logout = "SELECT observa.logout()::text";
    let live = "observa_internal.sessions WHERE revoked_at IS NULL";
    let mut ann = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    db.run("DELETE FROM observa_internal.members");
    let refused = request(&mut gate, "/events", &json!({}), &ann, logout).unwrap_err();
    assert!(refused.contains("UNAUTHORIZED"), "only to sign out: {refused}");
    request(&mut gate, "/rpc/logout", &json!({}), &ann, logout).unwrap();
    assert_eq!(db.count(live), 0);
    assert!(request(&mut gate, "/rpc/logout", &json!({}), &ann, logout).is_err(), "it has ended");
    // Signed in while a member of nothing.
    over_http(&mut gate);
    let again: Value = one(&mut gate, &format!("SELECT observa.login('ann@example.com', '{PASSWORD}')"));
    ann = claims(&again);
    assert_eq!(ann["app_metadata"]["tenant_id"], Value::Null);
    request(&mut gate, "/rpc/logout", &json!({}), &ann, logout).unwrap();
    assert_eq!(db.count(live), 0);
}

#[test]
fn claims_of_somebody_never_fall_back_to_the_gates_own_tenant() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let (login, tenant): (String, _) = (one(&mut gate, "SELECT session_user::text"), db.tenant("gates"));
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    assert_eq!(current(&mut gate), Some(tenant.to_string()), "without claims it has one");
    pass_on(&mut gate, &json!({"role": "anon"}));
    assert_eq!(current(&mut gate), Some(tenant.to_string()), "nobody is named");
    for claims in [
        json!({"sub": "ann"}),
        json!({"sub": "ann", "app_metadata": {}}),
        json!({"sub": "ann", "app_metadata": {"tenant_id": null}}),
        json!({"sub": "ann", "app_metadata": {"tenant_id": "gates"}}),
        json!({"sub": ["ann"], "app_metadata": "text"}),
    ] {
        pass_on(&mut gate, &claims);
        assert_eq!(current(&mut gate), None, "{claims}");
    }
    gate.batch_execute("SELECT set_config('request.jwt.claims', '{\"sub\": ', false)").unwrap();
    assert_eq!(current(&mut gate), None, "what can't be read");
}

fn front(db: &Database, gate: &mut Client) -> Front {
    let mut database = db.cluster.config(&db.name);
    database.user(&one::<String>(gate, "SELECT session_user::text"));
    Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) })
}

fn login(front: &Front, password: &str) -> u16 {
    let body = json!({"email": "ann@example.com", "password": password}).to_string();
    http::post(&front.url("/rpc/login"), "application/json", body.as_bytes()).status
}

#[test]
fn of_guesses_that_come_together_five_are_verified() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    sign_up(&mut gate, "ann@example.com", "Acme");
    let front = front(&db, &mut gate);
    std::thread::scope(|scope| {
        let guesses: Vec<_> = (0..14).map(|_| scope.spawn(|| login(&front, "wrong"))).collect();
        assert!(guesses.into_iter().all(|guess| guess.join().unwrap() == 401));
    });
    assert_eq!(db.count("observa.audit_log WHERE action = 'failed_login'"), 5);
    assert_eq!(login(&front, PASSWORD), 401, "locked");
}

#[test]
fn a_locked_account_is_neither_locked_longer_nor_recorded() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    sign_up(&mut gate, "ann@example.com", "Acme");
    let front = front(&db, &mut gate);
    (0..5).for_each(|_| assert_eq!(login(&front, "wrong"), 401));
    let state = |db: &mut Database| -> String {
        db.one(
            "SELECT concat_ws(' ', failures, locked_until, (SELECT count(*) FROM observa.audit_log)) FROM observa_internal.accounts",
        )
    };
    let locked = state(&mut db);
    for password in ["wrong", PASSWORD, "wrong"] {
        assert_eq!(login(&front, password), 401);
    }
    assert_eq!(state(&mut db), locked);
}

#[test]
fn who_writes_sql_may_not_guess() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let said = sign_up(&mut gate, "ann@example.com", "Acme");
    let tenant = said["user"]["tenant_id"].as_str().unwrap();
    let guess = format!("SELECT observa.login('ann@example.com', '{PASSWORD}')");
    let mut analyst = db.connect_as("analyst", "observa_read");
    let name: String = one(&mut analyst, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{name}', '{tenant}')"));
    let mut nobody = db.connect_as("nobody", "observa_read");
    for client in [&mut analyst, &mut nobody] {
        assert_eq!(error(client, &guess).code().code(), "42501");
        over_http(client);
        assert_eq!(error(client, &guess).code().code(), "42501", "it says that it is a request");
    }
    // What takes its count back: the gate's own session, outside of a request.
    assert_eq!(error(&mut gate, &guess).code().code(), "42501");
    db.run(&guess);
    assert_eq!(db.error("SELECT observa.login('ann@example.com', 'wrong')").code().code(), "28P01");
}

#[test]
fn a_transaction_that_only_reads_tells_no_address() {
    let Stage { mut gate, db: _db, _secret } = stage(Database::ready());
    sign_up(&mut gate, "ann@example.com", "Acme");
    over_http(&mut gate);
    let answers = ["ann@example.com", "nobody@example.com", "no address"].map(|email| {
        gate.batch_execute("BEGIN READ ONLY").unwrap();
        let refused = error(&mut gate, &format!("SELECT observa.login('{email}', 'wrong')"));
        gate.batch_execute("ROLLBACK").unwrap();
        (refused.code().code().to_owned(), refused.message().to_owned())
    });
    assert_eq!(answers[0].0, "25006");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn expired_sessions_go_with_maintenance() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let first = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    over_http(&mut gate);
    gate.batch_execute(&format!("SELECT observa.login('ann@example.com', '{PASSWORD}')")).unwrap();
    db.run("UPDATE observa_internal.sessions SET expires_at = now() - interval '1 s' WHERE created_at > (SELECT min(created_at) FROM observa_internal.sessions)");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.sessions"), 1);
    pass_on(&mut gate, &first);
    assert!(current(&mut gate).is_some(), "what counts stays");
}

#[test]
fn a_profile_is_scrubbed_and_bounded_and_its_edit_recorded() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready_in(Cluster::own("profiles", "")));
    let ann = claims(&sign_up(&mut gate, "ann@example.com", "Acme"));
    pass_on(&mut gate, &ann);
    let secret = "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL";
    let edit = format!(
        "UPDATE observa.user_profiles SET full_name = 'Ann {secret}', avatar_url = 'https://a.example/{secret}',
                preferences = '{{\"theme\": \"dark\", \"n\": 12345678901234567890.123, \"key\": \"{secret}\"}}'"
    );
    gate.batch_execute(&edit).unwrap();
    let kept: String = db.one("SELECT a::text FROM observa_internal.accounts a");
    assert!(!kept.contains(secret) && kept.contains("Ann [REDACTED:") && kept.contains("dark"), "{kept}");
    assert!(kept.contains("12345678901234567890.123"), "{kept}");
    for (column, value) in [
        ("preferences", "to_jsonb(repeat('x', 17000))"),
        ("full_name", "repeat('x', 201)"),
        ("avatar_url", "repeat('x', 2001)"),
        ("company", "repeat('x', 201)"),
    ] {
        let refused = error(&mut gate, &format!("UPDATE observa.user_profiles SET {column} = {value}"));
        assert_eq!(refused.code().code(), "22023", "{column}: {refused:?}");
        assert!(refused.detail().is_none_or(|detail| !detail.contains("argon2")), "{refused:?}");
    }
    gate.batch_execute("UPDATE observa.user_profiles SET full_name = full_name").unwrap();
    assert_eq!(
        db.count("observa.audit_log WHERE action = 'edit_profile'"),
        1,
        "what changed nothing is no act"
    );
    for refused in [
        "UPDATE observa_internal.accounts SET full_name = 'x'",
        "UPDATE observa.user_profiles SET role = 'owner'",
        "UPDATE observa.user_profiles SET id = gen_random_uuid()",
        "DELETE FROM observa.user_profiles",
    ] {
        assert_eq!(error(&mut gate, refused).code().code(), "42501", "{refused}");
    }
    assert!(!db.cluster.log().contains(secret));
    assert_eq!(rows(&mut gate, "SELECT FROM observa.user_profiles", &[]).len(), 1);
}
